#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/foreign/draft.hpp"

namespace conf::foreign {

// An sshd_config with what it includes, as sshd_config(5) reads it: of a keyword the first value counts that
// stands below a Match that fits, or else the first one that stands below none. Pure but for Include, which
// asks the draft's host.
class SshdConfig {
 public:
  struct Setting {
    std::string keyword;  // in lower case
    std::vector<std::string> words;
    Place place;
    int match = -1;  // the index of the Match that it stands below
  };
  struct Match {
    std::vector<std::string> words;  // USER PATTERN and so on
    Place place;
  };
  // A user of the host, as far as a Match asks.
  struct User {
    std::string name;
    std::vector<std::string> groups;
  };

  SshdConfig(std::string_view text, Draft& draft);

  const std::vector<Setting>& settings() const { return settings_; }
  const std::vector<Match>& matches() const { return matches_; }
  // The setting for every user, or for `user`. Null: the file does not have the keyword.
  const Setting* find(std::string_view keyword) const;
  const Setting* find(std::string_view keyword, const User& user) const;

 private:
  void read(std::string_view text, const std::string& file, Draft& draft, int depth);
  bool applies(const Match& match, const User& user) const;

  std::vector<Setting> settings_;
  std::vector<Match> matches_;
  int match_ = -1;
};

// A list of patterns, "!" before those that must not fit.
bool fits_list(const std::vector<std::string>& patterns, std::string_view text);

}  // namespace conf::foreign
