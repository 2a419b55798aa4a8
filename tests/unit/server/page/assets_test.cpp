#include "server/page/assets.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <optional>

using namespace server;
using namespace server::http;

namespace {

std::string unpacked(const std::string& packed) {
  std::string out(1 << 20, '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::optional<std::string> header(const Reply& reply, const std::string& wanted) {
  for (const auto& [name, value] : reply.headers)
    if (name == wanted) return value;
  return {};
}

Reply ask(const Request& request, Door door = Door::page) {
  const Assets assets;
  Router router;
  assets.offer(router);
  std::optional<Reply> answered;
  router.answer(request, door, Respond([&](Reply reply) { answered = std::move(reply); }));
  REQUIRE(answered);
  return *answered;
}

}  // namespace

TEST_CASE("the page's files are served to everybody, at the page's door alone") {
  const Assets assets;
  REQUIRE_FALSE(assets.all().empty());
  for (const auto& asset : assets.all()) {
    const auto reply = ask({.method = "GET", .path = asset.path});
    CHECK(reply.status == 200);
    CHECK(reply.body == asset.text);
    CHECK(reply.type == asset.type);
    CHECK(reply.type != "application/octet-stream");
    CHECK(header(reply, "Cache-Control") == "no-cache");
    CHECK(ask({.method = "GET", .path = asset.path}, Door::control).status == 404);
    CHECK(unpacked(asset.packed) == asset.text);
  }
  CHECK(ask({.method = "GET", .path = "/"}).body == ask({.method = "GET", .path = "/index.html"}).body);
  for (const auto* path :
       {"/index.htm", "//index.html", "/../index.html", "/%2e%2e/index.html", "/web/index.html"})
    CHECK_MESSAGE(ask({.method = "GET", .path = path}).status == 404, path);
}

TEST_CASE("a browser gets a file packed where it takes that, and not again where it has it") {
  const auto packed = ask({.method = "GET", .path = "/", .accept_encoding = "gzip, br"});
  CHECK(header(packed, "Content-Encoding") == "gzip");
  CHECK(unpacked(packed.body) == ask({.method = "GET", .path = "/"}).body);
  const auto tag = header(packed, "ETag");
  REQUIRE(tag);
  const auto again = ask({.method = "GET", .path = "/", .if_none_match = "W/" + *tag});
  CHECK(again.status == 304);
  CHECK(again.body.empty());
  CHECK(header(again, "ETag") == tag);
  CHECK(ask({.method = "GET", .path = "/", .if_none_match = "\"0123456789abcdef\""}).status == 200);
}
