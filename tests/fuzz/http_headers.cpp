// What a client writes into a request for an image: the target, Range, and the conditional headers. A range
// lies in the file, a name comes back from its URL, and nothing but the file's own ETag or time makes a range
// count.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocols/http/conditional.hpp"
#include "protocols/http/date.hpp"
#include "protocols/http/range.hpp"
#include "protocols/http/target.hpp"
#include "tests/fuzz/require.hpp"

using fuzz::require;
using namespace protocols::http;

namespace {

constexpr std::array<std::uint64_t, 4> sizes{0, 1, 70'512'640, ~std::uint64_t{0} >> 1};

void check_range(std::string_view header) {
  for (const auto size : sizes) {
    const auto wanted = wanted_range(header, size);
    const auto* const part = std::get_if<Span>(&wanted);
    require(!part || (part->size > 0 && part->first < size && part->size <= size - part->first),
            "a range lies in the file");
  }
}

void check_conditions(std::string_view text) {
  const Validators strong{"\"0123\"", 784'111'777}, weak{"W/\"0123\"", 784'111'777};
  const Conditions range{{}, {}, text};
  is_not_modified({text, {}, {}}, strong);
  is_not_modified({{}, text, {}}, strong);
  require(!range_counts(range, strong) || text.empty() || text == strong.etag ||
              parse_date(text) == strong.modified,
          "another file's part is never joined");
  require(!range_counts(range, weak) || text.empty() || parse_date(text) == weak.modified,
          "a weak ETag proves nothing");
  if (const auto time = parse_date(text)) require(parse_date(date_text(*time)) == time, "a time is one");
}

void check_target(std::string_view text) {
  const auto target = parse_target(text);
  if (!target) return;
  require(target->name.starts_with('/'), "a name is absolute");
  const auto again = parse_target(encoded_path(target->name));
  require(again && again->name == target->name && again->query.empty(), "a name comes back from its URL");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_range(text);
  check_conditions(text);
  check_target(text);
  return 0;
}
