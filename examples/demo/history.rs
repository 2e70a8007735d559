//! The commits of the shop's code repositories. Merge requests list them if GitHub is asked with a token.

use chrono::TimeDelta;
use forge::CommitInfo;

use crate::shop::{
    CATALOG_NEW, CATALOG_NEXT, CATALOG_OLD, ORDERS_DB_NEW, ORDERS_NEW, PAYMENTS_CANARY,
    PAYMENTS_NEW, Shop,
};

/// The token with which GitHub compares commits.
pub const GITHUB_TOKEN: &str = "ghp-demo-token-of-the-shop";

/// Where the orders were before the commit that the canary runs.
pub const ORDERS_EARLIER: &str = "71d0c4f2b58e9a363f2f0c4a1d7be85690a3c1e4";
const ORDERS_OLD: &str = "d83e8878b794cd2c379af53482024695a2d42eb7";
const CATALOG_OLDER: &str = "a8680cb40c357c154db544f15a2baef589f77b70";
const PAYMENTS_OLD: &str = "27f0c56c5059b9ca1632711fecd293f2ece8eb09";
const ORDERS_DB_OLD: &str = "6cf4832af625f59b49336d692f4ed44e601a855e";

const FASTER_SEARCH: &str = "e7b1d3a95c2f4806b7a1c9d0e2f3a4b5c6d7e8f9";
const FILTERS: &str = "3f9c5e1ad2704b86c1e09f7a5d3b8260e4c7a915";
const LAZY_PICTURES: &str = "41f0c2aa7e5d93b8164c0f2e8a7d5b3c1f9e6042";
const SMALLER_PICTURES: &str = "b60e7d14c3f8a295e0d17b4c6f3a8e5d2c9b1047";
const DEPENDENCIES: &str = "c0ffee12a4d6b8091e3c5f7a9b0d2e4f6a8c1b35";
const RECEIPTS: &str = "8a2d5f70e1c94b36a7d08e5c2f1b9d4063e7a8c5";
const ROUNDING: &str = "5e14c7b9a02d8f63b1e7c4a5d9f20836c7b1e4a2";
const GIFT_CARDS: &str = "d4079e2fb6c1a853e0f7d2b4c9a6e18350b7f2d1";

/// Gives the repositories their commits, parents before their children, and a deployment its job.
pub fn add(shop: &Shop) {
    let job = "https://gitlab.example.com/shop/catalog/-/jobs/4699";
    shop.link_job("catalog-stage", CATALOG_NEW, job);
    shop.forge.add_github_token(GITHUB_TOKEN);
    let catalog = [
        commit(shop, CATALOG_OLDER, &[], "Sort search results by price", "Ann Bee"),
        commit(shop, FASTER_SEARCH, &[CATALOG_OLDER], "Cache the first page of a search", "Cy Dee"),
        commit(shop, FILTERS, &[FASTER_SEARCH], "Keep filters when a search is refined", "Ann Bee"),
        commit(shop, CATALOG_OLD, &[FILTERS], "Find misspelled words", "Cy Dee"),
        commit(shop, SMALLER_PICTURES, &[CATALOG_OLD], "Send pictures as AVIF", "Ann Bee"),
        commit(shop, LAZY_PICTURES, &[SMALLER_PICTURES], "Load pictures lazily", "Ann Bee"),
        commit(
            shop,
            DEPENDENCIES,
            &[CATALOG_OLD],
            "Update the dependencies (#11)",
            "renovate[bot]",
        ),
        commit(
            shop,
            CATALOG_NEW,
            &[DEPENDENCIES, LAZY_PICTURES],
            "Merge pull request #12 from example-shop/pictures\n\nShow pictures in search results",
            "Cy Dee",
        ),
        commit(shop, CATALOG_NEXT, &[CATALOG_NEW], "Show prices in search results", "Ann Bee"),
    ];
    let orders = [
        commit(shop, ORDERS_EARLIER, &[], "Print the address on parcels", "Eve Eff"),
        commit(shop, RECEIPTS, &[ORDERS_EARLIER], "Send receipts as PDF", "Eve Eff"),
        commit(shop, ORDERS_OLD, &[RECEIPTS], "Attach the invoice to receipts", "Ann Bee"),
        commit(shop, ORDERS_NEW, &[ORDERS_OLD], "Print on both sides", "Eve Eff"),
        commit(shop, ORDERS_DB_OLD, &[], "Archive old orders", "Eve Eff"),
        commit(shop, ORDERS_DB_NEW, &[ORDERS_DB_OLD], "Add an index", "Eve Eff"),
    ];
    let payments = [
        commit(shop, PAYMENTS_OLD, &[], "Refund in parts", "Cy Dee"),
        commit(shop, ROUNDING, &[PAYMENTS_OLD], "Round shares of a refund", "Cy Dee"),
        commit(shop, PAYMENTS_CANARY, &[ROUNDING], "Retry a payment once", "Ann Bee"),
        commit(shop, GIFT_CARDS, &[PAYMENTS_CANARY], "Take gift cards (#7)", "Cy Dee"),
        commit(shop, PAYMENTS_NEW, &[GIFT_CARDS], "Take vouchers", "Cy Dee"),
    ];
    shop.forge.add_history(catalog.into_iter().chain(orders).chain(payments));
}

fn commit(shop: &Shop, sha: &str, parents: &[&str], message: &str, author: &str) -> CommitInfo {
    CommitInfo {
        sha: sha.to_owned(),
        date: shop.now() - TimeDelta::hours(30),
        message: message.to_owned(),
        author: author.to_owned(),
        parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
    }
}
