#include "protocols/scp/pattern.hpp"

#include <optional>

namespace scp {
namespace {

using Bytes = std::bitset<256>;

unsigned char byte(char c) { return static_cast<unsigned char>(c); }

Bytes only(char c) { return Bytes{}.set(byte(c)); }

// A character of a pattern, without the backslash before it.
char take_character(std::string_view& pattern) {
  if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
  const char c = pattern.front();
  pattern.remove_prefix(1);
  return c;
}

// Takes "[a-z]" from the front of `pattern`. Nothing when it does not end.
std::optional<Bytes> take_set(std::string_view& pattern) {
  auto rest = pattern.substr(1);
  const bool negated = rest.starts_with('!') || rest.starts_with('^');
  if (negated) rest.remove_prefix(1);
  Bytes set;
  for (bool first = true; !rest.empty(); first = false) {
    if (rest.front() == ']' && !first) {
      pattern = rest.substr(1);
      return negated ? ~set : set;
    }
    const unsigned low = byte(take_character(rest));
    auto high = low;
    if (rest.size() > 1 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      high = byte(take_character(rest));
    }
    for (auto each = low; each <= high; ++each) set.set(each);
  }
  return {};
}

}  // namespace

Pattern::Pattern(std::string_view text) : begins_with_dot_(text.starts_with('.') || text.starts_with("\\.")) {
  bool sets_end = true;  // behind one that does not, no other does
  while (!text.empty()) {
    const char c = text.front();
    if (c == '*') {
      text.remove_prefix(1);
      stars_.set(size_);
      continue;
    }
    if (size_ == longest) {
      too_long_ = true;
      return;
    }
    const auto set = c == '[' && sets_end ? take_set(text) : std::nullopt;
    if (set) {
      add(*set);
    } else if (c == '[') {
      sets_end = false;
      text.remove_prefix(1);
      add(only(c));
    } else if (c == '?') {
      text.remove_prefix(1);
      add(~Bytes{});
    } else {
      add(only(take_character(text)));
    }
  }
}

void Pattern::add(const Bytes& bytes) {
  for (std::size_t each = 0; each < bytes.size(); ++each) {
    if (bytes.test(each)) accepted_by_[each].set(size_);
  }
  ++size_;
}

bool Pattern::matches(std::string_view name) const {
  if (too_long_ || (name.starts_with('.') && !begins_with_dot_)) return false;
  States states;
  states.set(0);
  for (const char c : name) states = ((states & accepted_by_[byte(c)]) << 1) | (states & stars_);
  return states.test(size_);
}

}  // namespace scp
