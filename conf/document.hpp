#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/section.hpp"

namespace conf {

// Throws ConfigError for a file that cannot be read; nothing when there is none.
std::optional<std::string> read_whole(const std::filesystem::path& file);

// The one YAML document that `text` holds; null when it is empty. Throws ConfigError, with `name` and the
// line.
YAML::Node parse_document(std::string_view text, const std::string& name);

// Reads `text` into `out` through `read(Section&, Out&)`. Returns the warnings; throws ConfigError with all
// that is wrong, and `out` is then half read.
template <class Out, class Read>
std::vector<std::string> read_document(std::string_view text, const std::string& name, Read read, Out& out) {
  const auto node = parse_document(text, name);
  Findings findings(name);
  Section top(node, "", 0, findings);
  read(top, out);
  top.end();
  return findings.finish();
}

}  // namespace conf
