"""How to send the first event with a new key, in seven languages. None of them needs a package."""

from __future__ import annotations

import msgspec

TITLE = "My first event"
BODY = '{"channelName": "hello", "title": "My first event", "icon": "👋"}'


class Snippet(msgspec.Struct, frozen=True):
    """What to copy, and for whom."""

    language: str
    code: str


CURL = """curl '{address}/v1/events' \\
  -H 'Authorization: Bearer {secret}' \\{curl_project}
  -H 'Content-Type: application/json' \\
  -d '{body}'"""
PYTHON = """import json
import urllib.request

event = {{"channelName": "hello", "title": "My first event", "icon": "👋"}}
request = urllib.request.Request(
    "{address}/v1/events",
    json.dumps(event).encode(),
    {{
        "Authorization": "Bearer {secret}",{python_project}
        "Content-Type": "application/json",
    }},
)
with urllib.request.urlopen(request, timeout=10) as response:
    print(response.read().decode())"""
JAVASCRIPT = """const response = await fetch("{address}/v1/events", {{
  method: "POST",
  headers: {{
    Authorization: "Bearer {secret}",{javascript_project}
    "Content-Type": "application/json",
  }},
  body: JSON.stringify({{ channelName: "hello", title: "My first event", icon: "👋" }}),
}});
if (!response.ok) throw new Error(`${{response.status}} ${{await response.text()}}`);
console.log(await response.json());"""
PHP = """<?php
$event = ['channelName' => 'hello', 'title' => 'My first event', 'icon' => '👋'];
$answer = file_get_contents('{address}/v1/events', false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => [
        'Authorization: Bearer {secret}',{php_project}
        'Content-Type: application/json',
    ],
    'content' => json_encode($event),
    'timeout' => 10,
]]));
if ($answer === false) {{
    throw new RuntimeException('the event was not sent');
}}
echo $answer, "\\n";"""
RUBY = """require "json"
require "net/http"

event = {{ channelName: "hello", title: "My first event", icon: "👋" }}
headers = {{
  "Authorization" => "Bearer {secret}",{ruby_project}
  "Content-Type" => "application/json",
}}
response = Net::HTTP.post(URI("{address}/v1/events"), event.to_json, headers)
raise "#{{response.code}} #{{response.body}}" unless response.is_a?(Net::HTTPSuccess)
puts response.body"""
GO = """package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {{
	event := `{body}`
	request, err := http.NewRequest("POST", "{address}/v1/events", strings.NewReader(event))
	if err != nil {{
		log.Fatal(err)
	}}
	request.Header.Set("Authorization", "Bearer {secret}"){go_project}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {{
		log.Fatal(err)
	}}
	defer response.Body.Close()
	io.Copy(os.Stdout, response.Body)
}}"""
JAVA = """import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class FirstEvent {{
    public static void main(String[] arguments) throws Exception {{
        var event = \"\"\"
            {body}\"\"\";
        var request = HttpRequest.newBuilder(URI.create("{address}/v1/events"))
            .header("Authorization", "Bearer {secret}"){java_project}
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(event))
            .build();
        var client = HttpClient.newHttpClient();
        var response = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(response.statusCode() + " " + response.body());
    }}
}}"""
ALL = {
    "curl": CURL,
    "Python": PYTHON,
    "JavaScript": JAVASCRIPT,
    "PHP": PHP,
    "Ruby": RUBY,
    "Go": GO,
    "Java": JAVA,
}
PROJECTS = {
    "curl_project": "\n  -H 'X-Project-ID: {0}' \\",
    "python_project": '\n        "X-Project-ID": "{0}",',
    "javascript_project": '\n    "X-Project-ID": "{0}",',
    "php_project": "\n        'X-Project-ID: {0}',",
    "ruby_project": '\n  "X-Project-ID" => "{0}",',
    "go_project": '\n\trequest.Header.Set("X-Project-ID", "{0}")',
    "java_project": '\n            .header("X-Project-ID", "{0}")',
}


def snippets(address: str, secret: str, project: str | None) -> list[Snippet]:
    """The same request in each language; it names a project where the key leads to none."""
    named = {name: text.format(project) if project else "" for name, text in PROJECTS.items()}
    given = {"address": address, "secret": secret, "body": BODY, **named}
    return [Snippet(name, text.format_map(given)) for name, text in ALL.items()]
