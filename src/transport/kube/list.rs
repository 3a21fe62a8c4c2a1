//! All objects of a kind, in pages. A list that is not whole is none.

use serde_json::Value;

use super::discovery::Resource;
use super::fault::Fault;
use super::path::encoded;
use super::patience::Patience;
use super::request::{Request, Server};

/// Objects in one page.
const PAGE: usize = 500;
/// What a list of nothing but metadata is asked for by.
const METADATA_ALONE: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// What is to be listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing<'a> {
    pub(super) resource: &'a Resource,
    /// All namespaces where none is named.
    pub(super) namespace: Option<&'a str>,
    /// A label selector.
    pub(super) labels: Option<&'a str>,
    pub(super) metadata_alone: bool,
}

impl Listing<'_> {
    /// All of it. The server forgets where a page ended after some minutes (410): then it begins anew, the third time
    /// with one page for all.
    pub(super) async fn read(self, server: &Server) -> Result<Vec<Value>, Fault> {
        for limit in [Some(PAGE), Some(PAGE), None] {
            match self.pages(server, limit).await {
                Err(fault) if fault.code() == Some(410) => {}
                result => return result,
            }
        }
        Err(Fault::lost(format!("the list of `{}` changes faster than it can be read", self.resource.plural)))
    }

    async fn pages(self, server: &Server, limit: Option<usize>) -> Result<Vec<Value>, Fault> {
        let mut objects = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let accept = if self.metadata_alone { METADATA_ALONE } else { "application/json" };
            let request = Request { accept, ..Request::get(self.target(limit, token.as_deref())) };
            let page = server.send(&request, Patience::READING).await.result?;
            let next = page.pointer("/metadata/continue").and_then(Value::as_str).filter(|next| !next.is_empty());
            let next = next.map(ToOwned::to_owned);
            objects.extend(self.items(page)?);
            if next.is_none() {
                return Ok(objects);
            }
            if next == token {
                return Err(Fault::lost("the server gives the same page of a list for ever"));
            }
            token = next;
        }
    }

    fn target(self, limit: Option<usize>, token: Option<&str>) -> String {
        let mut query = Vec::new();
        if let Some(labels) = self.labels {
            query.push(format!("labelSelector={}", encoded(labels)));
        }
        if let Some(limit) = limit {
            query.push(format!("limit={limit}"));
        }
        if let Some(token) = token {
            query.push(format!("continue={}", encoded(token)));
        }
        let path = self.resource.path(self.namespace, None);
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    /// The objects of a page, each with its kind, which a list gives once for all of them.
    fn items(self, mut page: Value) -> Result<impl Iterator<Item = Value>, Fault> {
        let kind = self.resource.kind.clone();
        let is_list = page.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        let items = match page.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) if is_list => items,
            Some(Value::Null) if is_list => Vec::new(),
            _ => return Err(Fault::lost(format!("what came for the list of `{}` is no list", self.resource.plural))),
        };
        Ok(items.into_iter().map(move |mut item| {
            if let Value::Object(fields) = &mut item {
                fields.insert("apiVersion".to_owned(), kind.api_version.clone().into());
                fields.insert("kind".to_owned(), kind.kind.clone().into());
            }
            item
        }))
    }
}
