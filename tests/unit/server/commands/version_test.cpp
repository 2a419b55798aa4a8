#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;

TEST_CASE("each part is a line with a name and a version, apdepot first, and all of them as JSON too") {
  const auto text = test::run(version_command, {}), json = test::run(version_command, {"--json"});
  CHECK(text.status == 0);
  CHECK(text.err.empty());
  CHECK(text.out.starts_with("apdepot "));
  const auto parts = YAML::Load(json.out);
  const auto lines = test::lines_in(text.out);
  CHECK(parts.size() == lines.size());
  std::set<std::string> names;
  for (const auto& line : lines) {
    CAPTURE(line);
    const auto blank = line.find(' ');
    REQUIRE(blank != line.npos);
    const auto name = line.substr(0, blank), version = line.substr(blank + 1);
    CHECK(names.insert(name).second);
    CHECK(parts[name].as<std::string>() == version);
    CHECK(std::ranges::any_of(version, [](char c) { return c >= '0' && c <= '9'; }));
  }
  CHECK(std::ranges::count(text.out.substr(0, text.out.find('\n')), '.') == 2);
}

TEST_CASE("version takes no word") {
  const auto ran = test::run(version_command, {"x"});
  CHECK(ran.status == 2);
  CHECK(ran.mistake == "unexpected argument x");
}
