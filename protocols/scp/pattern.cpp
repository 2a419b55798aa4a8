#include "protocols/scp/pattern.hpp"

#include <optional>

namespace scp {
namespace {

constexpr auto npos = std::string_view::npos;

// A character of a pattern, without the backslash before it.
char take_character(std::string_view& pattern) {
  if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
  const char c = pattern.front();
  pattern.remove_prefix(1);
  return c;
}

// "[a-z]" at the front of `pattern`. Nothing when it does not end: then '[' is itself.
std::optional<bool> take_set(std::string_view& pattern, char c) {
  auto rest = pattern.substr(1);
  const bool negated = rest.starts_with('!') || rest.starts_with('^');
  if (negated) rest.remove_prefix(1);
  bool found = false;
  const auto byte = static_cast<unsigned char>(c);
  for (bool first = true; !rest.empty(); first = false) {
    if (rest.front() == ']' && !first) {
      pattern = rest.substr(1);
      return found != negated;
    }
    const auto low = static_cast<unsigned char>(take_character(rest));
    auto high = low;
    if (rest.size() > 1 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      high = static_cast<unsigned char>(take_character(rest));
    }
    found = found || (low <= byte && byte <= high);
  }
  return {};
}

// Takes from `pattern` what stands for one character, and tells whether `c` is such a one.
bool take_one(std::string_view& pattern, char c) {
  if (pattern.front() == '?') {
    pattern.remove_prefix(1);
    return true;
  }
  if (pattern.front() == '[') {
    if (const auto found = take_set(pattern, c)) return *found;
    pattern.remove_prefix(1);
    return c == '[';
  }
  return take_character(pattern) == c;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.') && !pattern.starts_with("\\.")) return false;
  // Only the last star has to be tried with more than it took, so that no pattern takes exponential time.
  auto behind_star = std::string_view{};
  auto star_took_to = npos;
  std::size_t at = 0;
  while (at < name.size()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      behind_star = pattern;
      star_took_to = at;
    } else if (!pattern.empty() && take_one(pattern, name[at])) {
      ++at;
    } else if (star_took_to != npos) {
      pattern = behind_star;
      at = ++star_took_to;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*') == npos;
}

}  // namespace scp
