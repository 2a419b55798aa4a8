#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "conf/foreign/text.hpp"
#include "conf/foreign/translation.hpp"
#include "conf/load.hpp"
#include "conf/print.hpp"

// A translation as the command prints it, on a host with these files and no others. Its YAML loads again, and
// to the very settings.
struct Translated {
  explicit Translated(std::string_view text, const std::string& name,
                      const std::map<std::string, std::string>& files = {}) {
    const auto read = [&](const std::string& file) -> std::expected<std::string, std::string> {
      const auto found = files.find(file);
      if (found == files.end()) return std::unexpected("No such file or directory");
      return found->second;
    };
    const auto matching = [&](const std::string& pattern) {
      std::vector<std::string> found;
      for (const auto& [file, unused] : files)
        if (conf::foreign::fits(pattern, file)) found.push_back(file);
      return found;
    };
    translation = conf::foreign::translate(text, name, {read, matching});
    yaml = conf::to_short_yaml(translation.settings);
    const auto loaded = conf::load_text(yaml, "printed.yaml");
    CHECK(loaded.warnings.empty());
    CHECK(conf::to_yaml(loaded.settings) == conf::to_yaml(translation.settings));
  }

  // The remark that `words` stand in, as "LINE: TEXT"; empty for none.
  std::string remark(std::string_view words) const {
    for (const auto& [place, text] : translation.remarks) {
      if (text.find(words) != text.npos)
        return place.file + (place.file.empty() ? "" : " ") + std::to_string(place.line) + ": " + text;
    }
    return {};
  }
  // Whether a remark about this line of the file itself has the words.
  bool says(int line, std::string_view words) const {
    return std::ranges::any_of(translation.remarks, [&](const conf::foreign::Remark& remark) {
      return remark.place.file.empty() && remark.place.line == line && remark.text.find(words) != words.npos;
    });
  }

  conf::foreign::Translation translation;
  const conf::Settings& settings = translation.settings;
  std::string yaml;
};
