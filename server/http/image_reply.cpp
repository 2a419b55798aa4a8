#include "server/http/image_reply.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <variant>

#include "protocols/http/conditional.hpp"
#include "protocols/http/date.hpp"
#include "protocols/http/target.hpp"

namespace server::http {
namespace {

using protocols::http::NotSatisfiable;
using protocols::http::Span;

// A head that grows line by line.
class Head {
 public:
  Head(unsigned status, const ImageRequest& request, bool keep, std::int64_t now) {
    text_ = fmt::format("HTTP/1.{} {} {}\r\n", request.old ? 0 : 1, status, reason_of(status));
    add("Date", protocols::http::date_text(now));
    add("Server", "apdepot");
    if (!keep) add("Connection", "close");
    if (keep && request.old) add("Connection", "keep-alive");
    // Whatever a file holds, a browser runs none of it, and takes it for nothing else.
    add("X-Content-Type-Options", "nosniff");
    add("Content-Security-Policy", "sandbox; default-src 'none'");
  }
  void add(std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(text_), "{}: {}\r\n", name, value);
  }
  void add_line(std::string_view line) { fmt::format_to(std::back_inserter(text_), "{}\r\n", line); }
  void add_length(std::uint64_t bytes) { add("Content-Length", fmt::format("{}", bytes)); }
  std::string take() {
    add_line("");
    return std::move(text_);
  }

 private:
  std::string text_;
};

std::string base64_of(std::string_view hex) {
  std::array<unsigned char, 32> bytes{};
  for (std::size_t i = 0; i < bytes.size() && 2 * i + 1 < hex.size(); ++i) {
    const auto digit = [](char c) { return static_cast<unsigned char>(c <= '9' ? c - '0' : c - 'a' + 10); };
    bytes[i] = static_cast<unsigned char>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  }
  std::array<unsigned char, 45> text{};
  const int size = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)};
}

// RFC 6266: what is no plain ASCII goes by RFC 8187.
std::string disposition_of(std::string_view name) {
  const bool plain = std::ranges::all_of(
      name, [](unsigned char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '%'; });
  if (plain) return fmt::format("attachment; filename=\"{}\"", name);
  return fmt::format("attachment; filename*=UTF-8''{}", protocols::http::encoded_path(name));
}

void describe(Head& head, const ServedFile& file, const protocols::http::Validators& validators) {
  head.add("ETag", validators.etag);
  head.add("Last-Modified", protocols::http::date_text(validators.modified));
  head.add("Accept-Ranges", "bytes");
  if (!file.sha256.empty()) head.add("Repr-Digest", fmt::format("sha-256=:{}:", base64_of(file.sha256)));
}

}  // namespace

std::string_view reason_of(unsigned status) {
  constexpr std::array<std::pair<unsigned, std::string_view>, 12> reasons{
      {{200, "OK"},
       {206, "Partial Content"},
       {304, "Not Modified"},
       {400, "Bad Request"},
       {403, "Forbidden"},
       {404, "Not Found"},
       {405, "Method Not Allowed"},
       {416, "Range Not Satisfiable"},
       {429, "Too Many Requests"},
       {431, "Request Header Fields Too Large"},
       {503, "Service Unavailable"},
       {505, "HTTP Version Not Supported"}}};
  const auto* const found = std::ranges::find(reasons, status, &decltype(reasons)::value_type::first);
  return found == reasons.end() ? "Error" : found->second;
}

std::string etag_of(const ServedFile& file) {
  if (!file.sha256.empty()) return fmt::format("\"{}\"", file.sha256);
  const auto& version = file.attributes.version;
  return fmt::format("W/\"{:x}-{:x}-{:x}\"", version.size, version.changed, version.number);
}

ImageReply reply_with(const ServedFile& file, const ImageRequest& request, bool keep, std::int64_t now) {
  const protocols::http::Validators validators{etag_of(file), file.attributes.modified};
  const protocols::http::Conditions conditions{request.if_none_match, request.if_modified_since,
                                               request.if_range};
  const auto size = file.attributes.size;
  const bool with_body = request.method != "HEAD";
  if (protocols::http::is_not_modified(conditions, validators)) {
    Head head(304, request, keep, now);
    describe(head, file, validators);
    return {304, head.take(), {}};
  }
  // A range is GET's alone (RFC 9110, 14.2).
  const bool counts = with_body && protocols::http::range_counts(conditions, validators);
  const auto wanted = protocols::http::wanted_range(counts ? request.range : "", size);
  if (std::holds_alternative<NotSatisfiable>(wanted)) {
    Head head(416, request, keep, now);
    head.add("Content-Range", fmt::format("bytes */{}", size));
    head.add_length(0);
    return {416, head.take(), {}};
  }
  const auto* const part = std::get_if<Span>(&wanted);
  const auto body = part ? *part : Span{0, size};
  Head head(part ? 206 : 200, request, keep, now);
  describe(head, file, validators);
  head.add("Content-Type", "application/octet-stream");
  head.add("Content-Disposition", disposition_of(file.name));
  if (part) head.add("Content-Range", fmt::format("bytes {}-{}/{}", body.first, body.end() - 1, size));
  head.add_length(body.size);
  return {part ? 206U : 200U, head.take(), with_body ? body : Span{}};
}

std::string head_with(unsigned status, std::string_view type, std::size_t size, const ImageRequest& request,
                      bool keep, std::int64_t now, std::string_view header) {
  Head head(status, request, keep, now);
  head.add("Content-Type", type);
  head.add("Cache-Control", "no-store");
  head.add_length(size);
  if (!header.empty()) head.add_line(header);
  return head.take();
}

std::string reply_with(unsigned status, std::string_view type, std::string_view body,
                       const ImageRequest& request, bool keep, std::int64_t now, std::string_view header) {
  auto text = head_with(status, type, body.size(), request, keep, now, header);
  if (request.method != "HEAD") text += body;
  return text;
}

}  // namespace server::http
