#pragma once
#include <array>
#include <bitset>
#include <string_view>

namespace scp {

// A shell's pattern for the names of one folder ("ap1g[4-8]*", no '/'). `*` and `?` are not for a dot in
// front. A backslash takes the meaning from what follows it, and a '[' that does not end is itself. Compiled
// once, in a time that grows with its length, so that a name costs one step a byte, whatever the pattern.
class Pattern {
 public:
  explicit Pattern(std::string_view text);

  // Whether a shell would expand it to the file `name`.
  bool matches(std::string_view name) const;

 private:
  static constexpr std::size_t longest =
      255;  // characters, as in the longest name; longer ones match nothing

  using Bytes = std::bitset<256>;
  void add(const Bytes& bytes);

  // Bit n of a set of states: the first n characters of the pattern have been matched.
  using States = std::bitset<longest + 1>;
  std::array<States, 256> accepted_by_{};  // from these states, by the byte that comes next
  States stars_;                           // where a star takes any byte
  std::size_t size_ = 0;                   // without stars
  bool too_long_ = false;
  bool begins_with_dot_ = false;
};

}  // namespace scp
