#include <doctest/doctest.h>

#include <string>

#include "conf/load.hpp"
#include "conf/users.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;

namespace {

std::string error_of(const fs::path& file) try {
  conf::load_users(file);
  return "";
} catch (const conf::ConfigError& error) {
  return error.what();
}

}  // namespace

TEST_CASE("a users file that others have access to is refused with the command that fixes it") {
  const test::TempDir dir;
  const auto file = dir.write("users.yaml", "users: []\n");
  for (const unsigned mode : {0640u, 0604u, 0620u, 0602u, 0644u}) {
    CAPTURE(mode);
    fs::permissions(file, fs::perms{mode});
    CHECK(error_of(file) ==
          file.string() +
              ": holds password hashes, and others than its owner have access to it; run: chmod 600 " +
              file.string());
  }
  fs::permissions(file, fs::perms{0400});
  CHECK(error_of(file) == "");
}
