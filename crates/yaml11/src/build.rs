//! Builds a [`Tree`] from the parser's events.

use crate::decode::{BOM, decode, position, small};
use crate::error::{ParseError, Position, Warning};
use crate::keys::check_keys;
use crate::number::is_overlong_int;
use crate::scalar::resolve_tagged;
use crate::tag::Tag;
use crate::tree::{Content, Limits, Node, NodeId, Style, Tree, flag};
use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

/// See [`Tree::parse`].
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Tree, ParseError> {
    let limit = limits.bytes.min(u32::MAX as usize - 1);
    if bytes.len() > limit {
        return Err(ParseError::TooLarge { size: bytes.len(), limit });
    }
    let text = decode(bytes)?;
    let bom = if text.starts_with(BOM) { BOM.len() } else { 0 };
    let mut build = Build::new(text, bom, limits);
    build.run()?;
    Ok(build.finish())
}

/// A list or mapping that is not closed yet.
struct Frame {
    node: NodeId,
    /// Where its children begin in `Build::open`.
    first: usize,
    size: u64,
    depth: usize,
    flow: bool,
}

struct Build<'a> {
    text: &'a str,
    bom: usize,
    limits: Limits,
    tree: Tree,
    /// Expanded size and depth of each closed node; size 0 means not closed.
    sizes: Vec<(u64, usize)>,
    /// Nodes by anchor id.
    anchors: Vec<NodeId>,
    frames: Vec<Frame>,
    /// Children of open frames, in order.
    open: Vec<NodeId>,
    /// The mapping and the later key of each duplicate.
    duplicates: Vec<(NodeId, NodeId)>,
    root: Option<NodeId>,
}

impl<'a> Build<'a> {
    fn new(text: &'a str, bom: usize, limits: &Limits) -> Self {
        let guess = text.len() / 16;
        let tree = Tree {
            text: text.into(),
            nodes: Vec::with_capacity(guess),
            children: Vec::with_capacity(guess),
            aliases: Vec::new(),
            decoded: String::new(),
            root: NodeId(0),
            warnings: Vec::new(),
        };
        Self {
            text,
            bom,
            limits: limits.clone(),
            tree,
            sizes: Vec::with_capacity(guess),
            anchors: Vec::new(),
            frames: Vec::new(),
            open: Vec::new(),
            duplicates: Vec::new(),
            root: None,
        }
    }

    fn run(&mut self) -> Result<(), ParseError> {
        let depth = self.limits.depth.min(1000);
        self.limits.depth = depth;
        let mut options = granit_parser::Options::default();
        options.set_emit_comments(false);
        options.emit_anchor_events = true;
        options.block_scalar_eof_without_line_feed = true;
        options.flow_nesting_limit = depth + 2;
        options.block_nesting_limit = depth + 2;
        let body = self.text.get(self.bom..).unwrap_or_default();
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(body, options) {
            let (event, span) = event
                .map_err(|e| ParseError::Syntax { at: position(e.marker()), message: e.info() })?;
            if let Event::DocumentStart(..) = &event {
                documents += 1;
                let at = position(&span.start);
                if documents > 1 {
                    return Err(ParseError::SeveralDocuments { at });
                }
            }
            self.event(event, &span)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'a>, span: &Span) -> Result<(), ParseError> {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let tag = self.tag(tag.as_deref(), span)?;
                self.scalar(&value, style, anchor, tag, span)
            }
            Event::SequenceStart(style, anchor, tag) => {
                let known = self.tag(tag.as_deref(), span)?;
                if !known.suits_sequence() {
                    return Err(mismatch(tag.as_deref(), span));
                }
                self.start(Content::Sequence, style, anchor, known, span)
            }
            Event::MappingStart(style, anchor, tag) => {
                let known = self.tag(tag.as_deref(), span)?;
                if !known.suits_mapping() {
                    return Err(mismatch(tag.as_deref(), span));
                }
                self.start(Content::Mapping, style, anchor, known, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let at = position(&span.start);
                let target =
                    self.anchors.get(anchor).copied().filter(|id| self.sizes[id.at()].0 > 0);
                let target = target.ok_or(ParseError::RecursiveAlias { at })?;
                let (size, depth) = self.sizes[target.at()];
                let id = self.push(Content::Alias, Style::Plain, Tag::None, span)?;
                self.tree.nodes[id.at()].a = target.0;
                self.tree.aliases.push((target, id));
                self.close(id, size, depth, at)
            }
            Event::Anchor(_, _) => {
                // comes right after the event of its node
                let (start, end) = self.bytes(span);
                if let Some(node) = self.tree.nodes.last_mut() {
                    node.flags |= flag::ANCHOR;
                    node.properties = join(node.properties, (start, end));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tag(&self, tag: Option<&granit_parser::Tag>, span: &Span) -> Result<Tag, ParseError> {
        let Some(tag) = tag else {
            return Ok(Tag::None);
        };
        Tag::from_parser(tag).ok_or_else(|| ParseError::UnknownTag {
            at: position(&span.tag_start().unwrap_or(span.start)),
            tag: tag.original(),
        })
    }

    fn bytes(&self, span: &Span) -> (u32, u32) {
        let range = span.byte_range().unwrap_or_default();
        (small(range.start + self.bom), small(range.end + self.bom))
    }

    fn push(
        &mut self,
        content: Content,
        style: Style,
        tag: Tag,
        span: &Span,
    ) -> Result<NodeId, ParseError> {
        let at = position(&span.start);
        let id = NodeId(small(self.tree.nodes.len()));
        if u64::from(id.0) >= self.limits.nodes {
            return Err(ParseError::TooManyNodes { at, limit: self.limits.nodes });
        }
        let (start, end) = self.bytes(span);
        let properties = span.tag_span().map_or((0, 0), |tag| self.bytes(&tag));
        let in_flow = self.frames.last().is_some_and(|f| f.flow);
        self.tree.nodes.push(Node {
            content,
            style,
            tag,
            flags: if in_flow { flag::IN_FLOW } else { 0 },
            start,
            end,
            properties,
            line: at.line,
            column: at.column,
            parent: self.frames.last().map_or(id.0, |f| f.node.0),
            a: 0,
            b: 0,
        });
        self.sizes.push((0, 0));
        Ok(id)
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Tag,
        span: &Span,
    ) -> Result<(), ParseError> {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::BlockScalar,
        };
        let at = position(&span.start);
        let id = self.push(Content::Scalar, style, tag, span)?;
        self.remember(anchor, id);
        let (start, end) = self.bytes(span);
        // the parser gives `~` for a missing value
        let empty = style == Style::Plain && start == end;
        let value = if empty { "" } else { value };
        if tag != Tag::None
            && (!tag.suits_scalar() || (tag != Tag::Merge && resolve_tagged(value, tag).is_none()))
        {
            return Err(ParseError::TagMismatch { at, tag: format!("!!{tag:?}").to_lowercase() });
        }
        if matches!(tag, Tag::None | Tag::NonSpecific | Tag::Int)
            && style == Style::Plain
            && is_overlong_int(value)
        {
            return Err(ParseError::LongNumber { at, digits: value.len() });
        }
        let (a, b, decoded) = match self.place_of(value) {
            Some((a, b)) => (a, b, false),
            None => {
                let from = self.tree.decoded.len();
                self.tree.decoded.push_str(value);
                (small(from), small(self.tree.decoded.len()), true)
            }
        };
        let node = &mut self.tree.nodes[id.at()];
        (node.a, node.b) = (a, b);
        node.flags |= if empty { flag::EMPTY } else { 0 } | if decoded { flag::DECODED } else { 0 };
        self.close(id, 1, 0, at)
    }

    /// The offsets of a slice of the text; `None` for other strings.
    fn place_of(&self, part: &str) -> Option<(u32, u32)> {
        if part.is_empty() {
            return Some((0, 0));
        }
        let from = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let to = from.checked_add(part.len())?;
        (to <= self.text.len()).then(|| (small(from), small(to)))
    }

    fn remember(&mut self, anchor: usize, id: NodeId) {
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, id);
            }
            self.anchors[anchor] = id;
        }
    }

    fn start(
        &mut self,
        content: Content,
        style: StructureStyle,
        anchor: usize,
        tag: Tag,
        span: &Span,
    ) -> Result<(), ParseError> {
        let flow = style == StructureStyle::Flow;
        let id = self.push(content, if flow { Style::Flow } else { Style::Block }, tag, span)?;
        self.remember(anchor, id);
        self.frames.push(Frame {
            node: id,
            first: self.open.len(),
            size: 1,
            depth: 0,
            flow: flow || self.frames.last().is_some_and(|f| f.flow),
        });
        self.check_depth(0, position(&span.start))
    }

    fn check_depth(&self, below: usize, at: Position) -> Result<(), ParseError> {
        if self.frames.len() + below > self.limits.depth {
            return Err(ParseError::TooDeep { at, limit: self.limits.depth });
        }
        Ok(())
    }

    fn end(&mut self, span: &Span) -> Result<(), ParseError> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        let from = small(self.tree.children.len());
        self.tree.children.extend(self.open.drain(frame.first..));
        let to = small(self.tree.children.len());
        let (_, flow_end) = self.bytes(span);
        let children = from as usize..to as usize;
        let first = self.tree.children.get(from as usize).map(|id| self.tree.raw(*id));
        let first =
            first.map(|n| if n.properties.1 > 0 { n.properties.0.min(n.start) } else { n.start });
        let last = self.tree.children[children].last().map(|id| self.tree.raw(*id).end);
        let node = &mut self.tree.nodes[frame.node.at()];
        (node.a, node.b) = (from, to);
        match node.style {
            Style::Flow => node.end = flow_end,
            _ => {
                node.start = first.unwrap_or(node.start);
                node.end = last.unwrap_or(node.end).max(node.start);
            }
        }
        let at = self.tree.position_of(frame.node);
        if self.tree.raw(frame.node).content == Content::Mapping {
            check_keys(&mut self.tree, frame.node, &mut self.duplicates)?;
        }
        self.close(frame.node, frame.size, frame.depth + 1, at)
    }

    /// Completes a node and adds it to its parent.
    fn close(
        &mut self,
        id: NodeId,
        size: u64,
        depth: usize,
        at: Position,
    ) -> Result<(), ParseError> {
        self.sizes[id.at()] = (size, depth);
        self.check_depth(depth, at)?;
        let total = match self.frames.last_mut() {
            Some(frame) => {
                frame.size = frame.size.saturating_add(size);
                frame.depth = frame.depth.max(depth);
                self.open.push(id);
                frame.size
            }
            None => {
                self.root = Some(id);
                size
            }
        };
        if total > self.limits.nodes {
            return Err(ParseError::TooManyNodes { at, limit: self.limits.nodes });
        }
        Ok(())
    }

    fn finish(mut self) -> Tree {
        let root = self.root.unwrap_or_else(|| {
            // only comments
            let end = small(self.text.len());
            self.tree.nodes.push(Node {
                content: Content::Scalar,
                style: Style::Plain,
                tag: Tag::None,
                flags: flag::EMPTY,
                start: end,
                end,
                properties: (0, 0),
                line: 1,
                column: 1,
                parent: 0,
                a: 0,
                b: 0,
            });
            NodeId(small(self.tree.nodes.len() - 1))
        });
        self.tree.root = root;
        self.tree.aliases.sort_unstable();
        let mut warnings: Vec<Warning> = Vec::new();
        for (mapping, key) in &self.duplicates {
            warnings.push(Warning {
                position: self.tree.position_of(*key),
                path: self.tree.written_path(*mapping).key(self.tree.key_text(*key)),
            });
        }
        warnings.sort_by_key(|w| w.position);
        self.tree.warnings = warnings;
        // The guesses at the beginning are generous, and trees are kept.
        self.tree.nodes.shrink_to_fit();
        self.tree.children.shrink_to_fit();
        self.tree
    }
}

fn mismatch(tag: Option<&granit_parser::Tag>, span: &Span) -> ParseError {
    ParseError::TagMismatch {
        at: position(&span.start),
        tag: tag.map(granit_parser::Tag::original).unwrap_or_default(),
    }
}

fn join(a: (u32, u32), b: (u32, u32)) -> (u32, u32) {
    if a.1 == 0 { b } else { (a.0.min(b.0), a.1.max(b.1)) }
}
