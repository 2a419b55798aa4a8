#include "server/page/assets.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <stdexcept>

#include "server/accounts/tokens.hpp"

namespace server {
namespace {

struct Source {
  std::string_view path, text;
};
constexpr Source sources[]{
#include "page_files.inc"
};

constexpr std::array types{
    std::pair{".html", "text/html; charset=utf-8"}, std::pair{".css", "text/css; charset=utf-8"},
    std::pair{".js", "text/javascript; charset=utf-8"}, std::pair{".svg", "image/svg+xml"}};

std::string type_of(std::string_view path) {
  for (const auto& [end, type] : types)
    if (path.ends_with(end)) return type;
  return "application/octet-stream";
}

std::string packed(std::string_view text) {
  constexpr int with_gzip_header = 15 + 16, memory_level = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, with_gzip_header, memory_level,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib cannot begin");
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const auto result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("zlib cannot pack the page");
  return out;
}

http::Reply reply_of(const Assets::Asset& asset, const http::Request& request) {
  http::Reply reply{.type = asset.type};
  reply.headers = {{"Cache-Control", "no-cache"}, {"ETag", asset.tag}, {"Vary", "Accept-Encoding"}};
  if (request.if_none_match.find(asset.tag) != request.if_none_match.npos) {
    reply.status = 304;
    return reply;
  }
  const bool takes_gzip = request.accept_encoding.find("gzip") != request.accept_encoding.npos;
  if (takes_gzip) reply.headers.emplace_back("Content-Encoding", "gzip");
  reply.body = takes_gzip ? asset.packed : std::string(asset.text);
  return reply;
}

}  // namespace

Assets::Assets() {
  constexpr std::size_t tag_length = 16;
  for (const auto& [path, text] : sources)
    assets_.push_back({std::string(path), text, type_of(path), packed(text),
                       fmt::format("\"{}\"", sha256_of(text).substr(0, tag_length))});
}

void Assets::offer(http::Router& router) const {
  for (const auto& asset : assets_) {
    const auto add = [&](std::string path) {
      router.add({"GET",
                  std::move(path),
                  http::Role::none,
                  false,
                  {http::Door::page},
                  http::at_once([&asset](const http::Request& request, const std::string&) {
                    return reply_of(asset, request);
                  })});
    };
    add(asset.path);
    if (asset.path == "/index.html") add("/");
  }
}

}  // namespace server
