//! What is said of the routes: the OpenAPI document, made from the table that the router is made from.

use serde_json::{Map, Value, json};

use super::answer::{JSON, TAXII};
use super::route::Route;
use super::schemas;

/// What a route is for, for whoever writes a client.
pub(super) struct Doc {
    summary: &'static str,
    parameters: Vec<Parameter>,
    takes: Vec<(&'static str, &'static str)>,
    gives: Vec<Given>,
}

struct Parameter {
    name: &'static str,
    place: &'static str,
    what: &'static str,
    schema: Value,
}

struct Given {
    status: u16,
    content_type: &'static str,
    schema: &'static str,
    what: &'static str,
}

impl Doc {
    pub(super) fn new(summary: &'static str) -> Self {
        Self { summary, parameters: Vec::new(), takes: Vec::new(), gives: Vec::new() }
    }

    /// What stands in the path in place of `{name}`.
    pub(super) fn path(self, name: &'static str, what: &'static str) -> Self {
        self.parameter(name, "path", what, json!({"type": "string", "minLength": 1}))
    }

    /// A pair of the query, never required.
    pub(super) fn query(self, name: &'static str, what: &'static str, schema: Value) -> Self {
        self.parameter(name, "query", what, schema)
    }

    /// A header of the request, never required.
    pub(super) fn header(self, name: &'static str, what: &'static str) -> Self {
        self.parameter(name, "header", what, json!({"type": "string"}))
    }

    /// The pairs of the query that mean something.
    pub(super) fn query_names(&self) -> Vec<&'static str> {
        self.parameters.iter().filter(|it| it.place == "query").map(|it| it.name).collect()
    }

    fn parameter(
        mut self,
        name: &'static str,
        place: &'static str,
        what: &'static str,
        schema: Value,
    ) -> Self {
        self.parameters.push(Parameter { name, place, what, schema });
        self
    }

    /// A body that it takes, of this type and shape.
    pub(super) fn takes(mut self, content_type: &'static str, schema: &'static str) -> Self {
        self.takes.push((content_type, schema));
        self
    }

    /// An answer that it gives.
    pub(super) fn gives(
        mut self,
        status: u16,
        content_type: &'static str,
        schema: &'static str,
        what: &'static str,
    ) -> Self {
        self.gives.push(Given { status, content_type, schema, what });
        self
    }
}

/// The OpenAPI 3.1 document of these routes.
pub(super) fn open_api(routes: &[Route]) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let at = paths.entry(route.path).or_insert_with(|| json!({}));
        at[route.method.as_str().to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "certmesh, for SOC tools",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a SOC's tools read from their country's node: TAXII 2.1, feeds, checks, a stream.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "Any user name; the token as the password."},
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let doc = &route.doc;
    let mut operation = json!({
        "summary": doc.summary,
        "operationId": operation_id(route),
        "responses": responses(route),
        "security": [],
    });
    if let Some(scope) = route.scope {
        operation["security"] = json!([{"bearer": []}, {"basic": []}]);
        operation["description"] = json!(format!("Takes a token for `{scope}`."));
        operation["tags"] = json!([scope.word()]);
    }
    if !doc.parameters.is_empty() {
        operation["parameters"] = doc.parameters.iter().map(parameter).collect();
    }
    if !doc.takes.is_empty() {
        let content: Map<_, _> =
            doc.takes.iter().map(|(content_type, schema)| content(content_type, schema)).collect();
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

/// Such as `getTaxii2MeshCollections`: unlike for each route.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = route.method.as_str().to_ascii_lowercase();
    for word in words {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
    }
    id
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.what,
        "schema": parameter.schema,
    })
}

fn content(content_type: &str, schema: &str) -> (String, Value) {
    let schema = format!("#/components/schemas/{schema}");
    (content_type.to_owned(), json!({"schema": {"$ref": schema}}))
}

/// What the route gives, and what every route of its kind gives beside it.
fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let mut add = |status: u16, content_type: &str, schema: &str, what: &str| {
        let at = responses
            .entry(status.to_string())
            .or_insert_with(|| json!({"description": what, "content": {}}));
        let (content_type, schema) = content(content_type, schema);
        at["content"][content_type] = schema;
    };
    for given in &route.doc.gives {
        add(given.status, given.content_type, given.schema, given.what);
    }
    let (content_type, schema) =
        if route.path.starts_with("/taxii2/") { (TAXII, "TaxiiError") } else { (JSON, "Error") };
    let mut common = vec![
        (400, "The request makes no sense."),
        (405, "Another method is meant."),
        (500, "The store failed."),
    ];
    if route.scope.is_some() {
        common.extend([
            (401, "There is no token, or none that holds."),
            (403, "The token is not for this."),
            (429, "Too many requests with this token are under way."),
            (503, "The node is stopping."),
        ]);
    }
    for (status, what) in common {
        add(status, content_type, schema, what);
    }
    if route.doc.gives.iter().any(|given| given.status == 200) && route.scope.is_some() {
        responses.insert("304".into(), json!({"description": "It is as the client has it."}));
    }
    Value::Object(responses)
}
