#include "server/http/image_request.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

using namespace server::http;

namespace {

// As it comes from the network, in pieces of `piece` bytes.
void receive(RequestReader& reader, std::string_view text, std::size_t piece = 4096) {
  while (!text.empty()) {
    const auto room = reader.room();
    const auto bytes = std::min({text.size(), piece, room.size()});
    if (bytes == 0) return;
    std::ranges::copy(std::as_bytes(std::span(text.substr(0, bytes))), room.begin());
    reader.took(bytes);
    text.remove_prefix(bytes);
  }
}

unsigned refusal(std::string_view text) {
  RequestReader reader;
  receive(reader, text);
  const auto request = reader.next();
  REQUIRE(request);
  return *request ? 0 : request->error().status;
}

constexpr std::string_view plain = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_CASE("a request is there once its header is") {
  RequestReader reader;
  receive(reader, plain.substr(0, plain.size() - 1));
  CHECK_FALSE(reader.next());
  CHECK(reader.has_begun());
  receive(reader, "\n");
  const auto request = reader.next();
  REQUIRE((request && *request));
  CHECK((*request)->method == "GET");
  CHECK((*request)->target == "/a");
  CHECK((*request)->keep_alive);
  CHECK_FALSE((*request)->old);
  CHECK_FALSE(reader.has_begun());
}

TEST_CASE("requests may come behind one another, and byte by byte") {
  RequestReader reader;
  receive(reader, std::string(plain) + "HEAD /b HTTP/1.0\r\n\r\n", 1);
  CHECK((*reader.next())->target == "/a");
  const auto second = reader.next();
  REQUIRE((second && *second));
  CHECK((*second)->method == "HEAD");
  CHECK((*second)->old);
  CHECK_FALSE((*second)->keep_alive);
  CHECK_FALSE(reader.next());
}

TEST_CASE("the headers that an answer depends on are told") {
  RequestReader reader;
  receive(reader,
          "GET /a HTTP/1.1\r\nhost: x\r\nrange: bytes=1-\r\nIf-Range: \"a\"\r\nif-none-match: *\r\n"
          "If-Modified-Since: yesterday\r\nconnection: close\r\nContent-Length: 0\r\n\r\n");
  const auto request = reader.next();
  REQUIRE((request && *request));
  CHECK((*request)->range == "bytes=1-");
  CHECK((*request)->if_range == "\"a\"");
  CHECK((*request)->if_none_match == "*");
  CHECK((*request)->if_modified_since == "yesterday");
  CHECK_FALSE((*request)->keep_alive);
}

TEST_CASE("what could hide a second request is refused") {
  for (const auto* header :
       {"Content-Length: 5", "Transfer-Encoding: chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 0\r\nContent-Length: 5", "Transfer-Encoding: identity", "Content-Length: -1",
        "Content-Length: 0x5", "Host: y"}) {
    CAPTURE(header);
    CHECK(refusal("GET /a HTTP/1.1\r\nHost: x\r\n" + std::string(header) + "\r\n\r\nhello") == 400);
  }
  CHECK(refusal("GET /a HTTP/1.1\r\n\r\n") == 400);
  CHECK(refusal("GET /a\r\n\r\n") != 0);
  CHECK(refusal("nonsense\r\n\r\n") == 400);
  CHECK(refusal("GET /a HTTP/2.0\r\nHost: x\r\n\r\n") == 505);
  CHECK(refusal("GET /a HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n") == 400);
}

TEST_CASE("a header has at most 100 lines") {
  const auto of = [](int fields) {
    std::string text = "GET /a HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < fields; ++i) text += "a:\r\n";
    return text + "\r\n";
  };
  CHECK(refusal(of(97)) == 0);
  CHECK(refusal(of(98)) == 431);
}

TEST_CASE("a header has at most 8 KiB") {
  const auto of = [](std::size_t size) {
    std::string text = "GET /a HTTP/1.1\r\nHost: x\r\nRange: ";
    text.append(size - text.size() - 4, 'x');
    return text + "\r\n\r\n";
  };
  CHECK(refusal(of(RequestReader::most_header - 1)) == 0);
  CHECK(refusal(of(RequestReader::most_header + 1)) == 431);
}
