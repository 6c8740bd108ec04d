"""How an event is counted from a program: the same request in seven languages. Pure."""

from __future__ import annotations

import msgspec

KEY = "YOUR_KEY"
CURL = """\
curl -fsS '{url}' \\
  -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"name": "user_signup", "plan:pro": true}}'
"""
JAVASCRIPT = """\
const response = await fetch("{url}", {{
  method: "POST",
  headers: {{
    "Authorization": "Bearer {key}",
    "Content-Type": "application/json",
  }},
  body: JSON.stringify({{ name: "user_signup", "plan:pro": true }}),
}});
if (!response.ok) throw new Error(await response.text());
"""
PYTHON = """\
import json
import urllib.request

request = urllib.request.Request(
    "{url}",
    json.dumps({{"name": "user_signup", "plan:pro": True}}).encode(),
    {{"Authorization": "Bearer {key}", "Content-Type": "application/json"}},
)
with urllib.request.urlopen(request, timeout=10) as response:
    print(response.read().decode())
"""
PHP = """\
<?php
$answer = file_get_contents('{url}', false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => ['Authorization: Bearer {key}', 'Content-Type: application/json'],
    'content' => json_encode(['name' => 'user_signup', 'plan:pro' => true]),
    'timeout' => 10,
]]));
if ($answer === false) {{
    throw new RuntimeException('the event was not counted');
}}
"""
RUBY = """\
require "json"
require "net/http"

response = Net::HTTP.post(
  URI("{url}"),
  {{ "name" => "user_signup", "plan:pro" => true }}.to_json,
  "Authorization" => "Bearer {key}", "Content-Type" => "application/json"
)
raise response.body unless response.is_a?(Net::HTTPSuccess)
"""
GO = """\
package main

import (
	"log"
	"net/http"
	"strings"
)

func main() {{
	body := strings.NewReader(`{{"name": "user_signup", "plan:pro": true}}`)
	request, err := http.NewRequest("POST", "{url}", body)
	if err != nil {{
		log.Fatal(err)
	}}
	request.Header.Set("Authorization", "Bearer {key}")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {{
		log.Fatal(err)
	}}
	defer response.Body.Close()
	log.Println(response.Status)
}}
"""
RUST = """\
// Cargo.toml: reqwest = {{ version = "0.12", features = ["blocking"] }}
fn main() -> Result<(), reqwest::Error> {{
    let answer = reqwest::blocking::Client::new()
        .post("{url}")
        .bearer_auth("{key}")
        .header("Content-Type", "application/json")
        .body(r#"{{"name": "user_signup", "plan:pro": true}}"#)
        .send()?
        .error_for_status()?;
    println!("{{}}", answer.text()?);
    Ok(())
}}
"""


class Snippet(msgspec.Struct, frozen=True):
    """A language, and the program in it."""

    language: str
    template: str

    def filled(self, address: str, aggregator_id: str, key: str) -> str:
        """The program with an address, an aggregator's id and a key in it."""
        return self.template.format(url=f"{address}/api/event?_id={aggregator_id}", key=key)


SNIPPETS = {
    "curl": Snippet("curl", CURL),
    "javascript": Snippet("JavaScript", JAVASCRIPT),
    "python": Snippet("Python", PYTHON),
    "php": Snippet("PHP", PHP),
    "ruby": Snippet("Ruby", RUBY),
    "go": Snippet("Go", GO),
    "rust": Snippet("Rust", RUST),
}
