#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conf/load.hpp"
#include "tests/support/temp_dir.hpp"

TEST_CASE("a file with password hashes that everybody may read or write is warned of") {
  using enum std::filesystem::perms;
  const test::TempDir dir;
  const std::string begin = "ssh:\n  users:\n    - name: ewc\n      ";
  const auto secret =
      dir.write("secret.yaml", begin + "password_hash: $scrypt$ln=14,r=8,p=5$c2FsdHNhbHQ$aGFzaGhhc2g=\n");
  const auto open = dir.write("open.yaml", begin +
                                               "authorized_keys: [\"ssh-ed25519 "
                                               "AAAAC3NzaC1lZDI1NTE5AAAAIKhUkl8W5nicXxcNpK/"
                                               "sTqp2KmJYkjQHxndXEXhX1L1C\"]\n");
  const auto warnings = [](const std::filesystem::path& file, std::filesystem::perms mode) {
    std::filesystem::permissions(file, mode);
    return conf::load_file(file).warnings;
  };
  const std::vector told{
      secret.string() +
      ": holds password hashes, and everybody on this host has access to it; run: chmod o= " +
      secret.string()};
  CHECK(warnings(secret, owner_read | others_read) == told);
  CHECK(warnings(secret, owner_read | others_write) == told);
  CHECK(warnings(secret, owner_all | group_all).empty());
  CHECK(warnings(open, owner_read | others_read).empty());
}

TEST_CASE("a file that cannot be read to its end says why") {
  CHECK_THROWS_WITH_AS(conf::load_file("/proc/self/mem"), "cannot read /proc/self/mem: Input/output error",
                       conf::ConfigError);
}
