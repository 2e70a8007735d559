//! The maximum size of an object in the state.

use super::*;

const EXPORT: &str = "state/saas-auto-promotions-manager/publisher-data.json";
const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_huge_object_is_an_error_of_its_key() {
    let (bucket, server) = answering(|request| {
        let bytes = if request.path.ends_with("huge") { 3 * MIB + 7 } else { MIB };
        // An object that is too large is not read: its end never comes.
        let hang_after = (bytes > MIB).then_some(1000);
        Reply { hang_after, ..Reply::new(200, "x", vec![b'x'; bytes]) }
    })
    .await;
    let home = TempDir::new().expect("a folder");
    let folder = DirState::new(home.path());
    let huge = KEY.replace("sha", "huge");
    folder.put(&huge, vec![b'x'; 3 * MIB + 7]).await.expect("writes");
    folder.put(KEY, vec![b'x'; MIB]).await.expect("writes");
    for state in [&bucket as &dyn StateStore, &folder] {
        let text = of_key(state.get(&huge).await.expect_err("too large"));
        for part in [huge.as_str(), "3145735 bytes", "1048576"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let bytes = state.get(KEY).await.expect("reads");
        assert_eq!(bytes.map(|bytes| bytes.len()), Some(MIB));
    }
    assert_eq!(server.requests().len(), 2, "what is too large is not asked for again");
}

#[tokio::test]
async fn an_object_of_unknown_size_is_not_read_without_end() {
    let body = format!("{:x}\r\n{}\r\n", 2 * MIB, "x".repeat(2 * MIB));
    let (state, _server) = answering(move |_| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        Reply { raw: Some(format!("{head}{body}").into_bytes()), ..Reply::new(200, "x", "") }
    })
    .await;
    let text = of_key(state.get(KEY).await.expect_err("too large"));
    assert!(text.contains("more than 1048576 bytes"), "{text}");
}

#[tokio::test]
async fn the_export_may_be_larger_than_a_record() {
    let (bucket, _server) = answering(|_| Reply::new(200, "x", vec![b'x'; 2 * MIB])).await;
    let home = TempDir::new().expect("a folder");
    let folder = DirState::new(home.path());
    folder.put(EXPORT, vec![b'x'; 2 * MIB]).await.expect("writes");
    for state in [&bucket as &dyn StateStore, &folder] {
        let bytes = state.get(EXPORT).await.expect("reads");
        assert_eq!(bytes.map(|bytes| bytes.len()), Some(2 * MIB));
    }
    let file = fs::File::create(home.path().join(file_of(EXPORT))).expect("makes");
    file.set_len(64 * MIB as u64 + 1).expect("grows");
    let read = folder.get(EXPORT).await.map(|bytes| bytes.map(|bytes| bytes.len()));
    let text = of_key(read.expect_err("too large"));
    assert!(text.contains("67108865 bytes"), "{text}");
}
