#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace server::http {

// A request for an image, as far as an answer depends on it. All texts are the client's: hostile.
struct ImageRequest {
  std::string method, target;
  bool old = false;         // HTTP/1.0
  bool keep_alive = false;  // the client wants the connection to go on
  std::string range, if_range, if_none_match, if_modified_since, accept;
};

// Why a request cannot be understood: the status that it is answered with, and why, in a sentence of ours.
struct BadRequest {
  unsigned status = 400;
  std::string_view why;
};

// Takes requests from the bytes of one connection, by Beast's parser. A request has no body here: one that
// announces any is refused, so that nobody can hide a request in it. Bounded memory; lives on the loop.
class RequestReader {
 public:
  static constexpr std::size_t most_header = 8 << 10;
  static constexpr std::ptrdiff_t most_lines = 100;  // of it: the parser takes a microsecond for each

  // Where the next bytes of the connection go; how many came is said to took(). Empty where a header is
  // longer than it may be.
  std::span<std::byte> room() { return std::as_writable_bytes(std::span(buffer_)).subspan(size_); }
  void took(std::size_t bytes) { size_ += bytes; }

  // The next request, once all of its header is there. Behind one that cannot be understood nothing is.
  std::optional<std::expected<ImageRequest, BadRequest>> next();
  bool has_begun() const { return size_ > 0; }  // to receive the next one

 private:
  std::array<char, most_header> buffer_;
  std::size_t size_ = 0, searched_ = 0;
};

}  // namespace server::http
