#include "conf/keys.hpp"

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

#include "conf/load.hpp"

namespace {

struct Row {
  std::string key;
  std::string bounds;  // of a number: "8 to 65464"
  bool at_restart = false;
};

// Writes down the rows themselves.
struct Walker {
  std::vector<Row>& rows;
  std::string path = {};

  void add(std::string_view key, conf::Takes takes, std::string bounds = "") {
    rows.push_back({conf::key_path(path, key), std::move(bounds), takes == conf::Takes::at_restart});
  }
  void flag(std::string_view key, bool, conf::Takes takes) { add(key, takes); }
  template <class T>
  void number(std::string_view key, std::uint64_t low, std::uint64_t high, const T&, conf::Takes takes) {
    add(key, takes, std::to_string(low) + " to " + std::to_string(high));
  }
  template <class Kind, class T>
  void size(std::string_view key, const Kind&, const T&, conf::Takes takes) {
    add(key, takes);
  }
  template <class Kind, class T>
  void size_or_null(std::string_view key, const Kind&, const T&, conf::Takes takes) {
    add(key, takes);
  }
  template <class Kind, class T>
  void text(std::string_view key, const Kind&, const T&, conf::Takes takes) {
    add(key, takes);
  }
  template <class Kind, class T>
  void text_or_null(std::string_view key, const Kind&, const T&, conf::Takes takes) {
    add(key, takes);
  }
  template <class Names, class T>
  void choice(std::string_view key, const Names&, const T&, conf::Takes takes) {
    add(key, takes);
  }
  template <class Kind, class T>
  void list(std::string_view key, const Kind&, const T&, conf::Takes takes) {
    add(key, takes);
  }
  template <class Kind, class T>
  void mapping(std::string_view key, const Kind&, const T&, conf::Takes takes) {
    add(key, takes);
  }
  void users(std::string_view key, const std::vector<conf::User>&) { add(key, conf::Takes::at_once); }
  template <class T>
  void section(std::string_view key, const T& section) {
    Walker inner{rows, conf::key_path(path, key)};
    conf::keys(inner, section);
  }
};

std::vector<Row> rows() {
  std::vector<Row> rows;
  Walker walker{rows};
  const auto defaults = conf::load_defaults();
  conf::keys(walker, defaults.settings);
  return rows;
}

// The keys of apdepot.yaml, in its order, with the comment above each.
struct Annotated {
  std::string key, comment;
};
std::vector<Annotated> example() {
  std::vector<Annotated> keys;
  std::istringstream lines{std::string(conf::example())};
  std::string section, comment;
  bool comment_ended = false;
  for (std::string line; std::getline(lines, line);) {
    const auto start = std::min(line.find_first_not_of(' '), line.size());
    const auto text = line.substr(start);
    if (text.starts_with('#')) {
      if (comment_ended) comment.clear();
      comment_ended = false;
      comment += text + " ";
      continue;
    }
    const auto colon = text.find(':');
    if (text.empty() || colon == text.npos) continue;
    comment_ended = true;
    if (start == 0) section.clear();
    const auto key = conf::key_path(section, text.substr(0, colon));
    if (start == 0 && colon + 1 == text.size()) {
      section = key;
    } else {
      keys.push_back({key, comment});
    }
  }
  return keys;
}

}  // namespace

TEST_CASE("apdepot.yaml has each key once, in the order of the rows") {
  std::vector<std::string> in_rows, in_file;
  for (const auto& row : rows()) in_rows.push_back(row.key);
  for (const auto& [key, comment] : example()) in_file.push_back(key);
  CHECK(in_rows == in_file);
}

TEST_CASE("apdepot.yaml gives the bounds of each number, and says which keys wait for a restart") {
  const auto all = rows();
  const auto annotated = example();
  REQUIRE(all.size() == annotated.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(all[i].key);
    CAPTURE(annotated[i].comment);
    CHECK(annotated[i].comment.find(all[i].bounds) != std::string::npos);
    CHECK((annotated[i].comment.find("(restart)") != std::string::npos) == all[i].at_restart);
  }
}
