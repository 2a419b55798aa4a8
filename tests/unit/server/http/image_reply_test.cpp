#include "server/http/image_reply.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace server::http;
using protocols::http::Span;

namespace {

const std::string digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

ServedFile file(std::string name = "ap1g8", std::string sha256 = digest) {
  storage::Attributes attributes;
  attributes.size = 1000;
  attributes.modified = 784'111'777;
  attributes.version = {1, 0x22, 1000, 0x33};
  return {std::move(name), attributes, std::move(sha256)};
}

ImageRequest get() {
  ImageRequest request;
  request.method = "GET";
  request.keep_alive = true;
  return request;
}

ImageReply reply_to(const ImageRequest& request, const ServedFile& served = file()) {
  return reply_with(served, request, request.keep_alive, 784'111'999);
}

bool has(const ImageReply& reply, std::string_view line) {
  return reply.head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

}  // namespace

TEST_CASE("a whole file goes out as bytes that a browser runs none of") {
  const auto reply = reply_to(get());
  CHECK(reply.status == 200);
  CHECK(reply.body == Span{0, 1000});
  CHECK(reply.head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(reply.head.ends_with("\r\n\r\n"));
  for (const auto* line :
       {"Date: Sun, 06 Nov 1994 08:53:19 GMT", "Content-Length: 1000",
        "Content-Type: application/octet-stream", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
        "Accept-Ranges: bytes", "Content-Disposition: attachment; filename=\"ap1g8\"",
        "X-Content-Type-Options: nosniff", "Content-Security-Policy: sandbox; default-src 'none'",
        "ETag: \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"",
        "Repr-Digest: sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"}) {
    CAPTURE(line);
    CHECK(has(reply, line));
  }
  CHECK(reply.head.find("Connection") == std::string::npos);
  CHECK(reply.head.find("Transfer-Encoding") == std::string::npos);
}

TEST_CASE("a file that no import recorded has a weak ETag and no digest") {
  const auto reply = reply_to(get(), file("ap1g8", ""));
  CHECK(has(reply, "ETag: W/\"3e8-33-22\""));
  CHECK(reply.head.find("Repr-Digest") == std::string::npos);
}

TEST_CASE("a client of HTTP/1.0 is told that the connection goes on, one of 1.1 that it ends") {
  auto request = get();
  request.old = true;
  CHECK(reply_to(request).head.starts_with("HTTP/1.0 200 OK\r\n"));
  CHECK(has(reply_to(request), "Connection: keep-alive"));
  request.old = request.keep_alive = false;
  CHECK(has(reply_to(request), "Connection: close"));
}

TEST_CASE("a range is a part, unless the client has a part of another file") {
  auto request = get();
  request.range = "bytes=990-";
  auto reply = reply_to(request);
  CHECK(reply.status == 206);
  CHECK(reply.body == Span{990, 10});
  CHECK(has(reply, "Content-Range: bytes 990-999/1000"));
  CHECK(has(reply, "Content-Length: 10"));
  request.if_range = "\"another\"";
  CHECK(reply_to(request).status == 200);
  request.if_range = '"' + digest + '"';
  CHECK(reply_to(request).status == 206);
  request.range = "bytes=1000-";
  reply = reply_to(request);
  CHECK(reply.status == 416);
  CHECK(has(reply, "Content-Range: bytes */1000"));
  CHECK(has(reply, "Content-Length: 0"));
}

TEST_CASE("a HEAD has all of a GET's head and no body, and no range") {
  auto request = get();
  request.method = "HEAD";
  request.range = "bytes=990-";
  const auto reply = reply_to(request);
  CHECK(reply.status == 200);
  CHECK(reply.body == Span{});
  CHECK(has(reply, "Content-Length: 1000"));
}

TEST_CASE("who has the file is told so") {
  auto request = get();
  request.if_none_match = "\"x\", \"" + digest + '"';
  const auto reply = reply_to(request);
  CHECK(reply.status == 304);
  CHECK(reply.body == Span{});
  CHECK(reply.head.find("Content-Length") == std::string::npos);
}

TEST_CASE("no name becomes a header of its own") {
  const auto reply = reply_to(get(), file("a\"\r\nSet-Cookie: x"));
  CHECK(reply.head.find("\r\nSet-Cookie") == std::string::npos);
  CHECK(has(reply, "Content-Disposition: attachment; filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x"));
}

TEST_CASE("a refusal is a whole answer with one more header") {
  const auto text = reply_with(405, "text/plain", "no\n", get(), false, 0, "Allow: GET, HEAD");
  CHECK(text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  CHECK(text.ends_with("\r\nContent-Length: 3\r\nAllow: GET, HEAD\r\n\r\nno\n"));
  auto request = get();
  request.method = "HEAD";
  CHECK(reply_with(404, "text/plain", "no\n", request, false, 0).ends_with("Content-Length: 3\r\n\r\n"));
}
