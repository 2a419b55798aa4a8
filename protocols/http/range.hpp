#pragma once
#include <cstdint>
#include <string_view>
#include <variant>

namespace protocols::http {

// Some bytes of a file in a row.
struct Span {
  std::uint64_t first = 0, size = 0;
  std::uint64_t end() const { return first + size; }
  friend bool operator==(const Span&, const Span&) = default;
};

// What a Range header asks for: the whole file, a part of it, or bytes beyond its end.
struct Whole {
  friend bool operator==(const Whole&, const Whole&) = default;
};
struct NotSatisfiable {  // status 416
  friend bool operator==(const NotSatisfiable&, const NotSatisfiable&) = default;
};
using Wanted = std::variant<Whole, Span, NotSatisfiable>;

// `header` is the client's, empty where it sent none; `size` is the file's. A header that is malformed, of
// another unit or of more than one range asks for the whole file: a server may say so (RFC 9110, 14.2). Pure;
// any thread.
Wanted wanted_range(std::string_view header, std::uint64_t size);

}  // namespace protocols::http
