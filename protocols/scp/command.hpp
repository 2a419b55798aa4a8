#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace scp {

// A name on a command line. `pattern` is empty unless a shell would have looked for files that match it: then
// it is the name with a backslash before each character that was quoted and would mean something in a
// pattern.
struct Name {
  std::string text;
  std::string pattern;
  friend bool operator==(const Name&, const Name&) = default;
};

// What `scp -f` or `scp -t` was called with.
struct Command {
  bool sends = false;  // -f, from the server; else -t, to it
  bool preserves_times = false;
  bool recursive = false;
  bool into_directory = false;  // -d: the target must be one
  std::vector<Name> names;      // one at least; none, and an empty one, are "."
};

// Takes the string of an exec request, which OpenSSH gives to a shell, as far as scp's clients make use of
// that: words, quotes, backslashes, patterns in names, and "~/". Or says, for the log, why it is not for us;
// the reason may hold hostile bytes.
std::expected<Command, std::string> parse_command(std::string_view text);

}  // namespace scp
