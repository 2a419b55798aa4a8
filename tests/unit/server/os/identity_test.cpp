#include "server/os/identity.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_dir.hpp"

using server::Account;
using server::choose_account;

namespace {

const Account root{"root", 0, 0}, named{"named", 1, 1}, owner{"owner", 2, 2}, apdepot{"apdepot", 3, 3};

}  // namespace

TEST_CASE("who is named wins over the depot's owner, and that one over apdepot") {
  CHECK(choose_account({named, owner, apdepot}) == named);
  CHECK(choose_account({{}, owner, apdepot}) == owner);
  CHECK(choose_account({{}, root, apdepot}) == apdepot);
  CHECK(choose_account({{}, {}, apdepot}) == apdepot);
}

TEST_CASE("root is nobody's choice unless root is named") {
  CHECK_FALSE(choose_account({{}, root, {}}));
  CHECK_FALSE(choose_account({{}, {}, {}}));
  CHECK_FALSE(choose_account({{}, root, root}));
  CHECK(choose_account({root, owner, apdepot}) == root);
}

TEST_CASE("an account is found by its name or number, with or without an entry") {
  CHECK(server::find_account("root") == root);
  CHECK(server::find_account("0") == root);
  CHECK(server::find_account("3999999998") == Account{"3999999998", 3'999'999'998, 3'999'999'998});
  for (const auto* name : {"no-such-user", "", "-1", "1x", "4294967295", "4294967296"})
    CHECK_FALSE(server::find_account(name));
}

TEST_CASE("the owner of a folder that is not there is nobody") {
  const test::TempDir dir;
  CHECK(server::owner_of(dir.path())->uid == ::geteuid());
  CHECK_FALSE(server::owner_of(dir / "missing"));
}

TEST_CASE("a folder is made for an account, and one that exists is left alone") {
  const test::TempDir dir;
  const auto own = server::own_account();
  server::make_directory_of(own, dir / "a/depot");
  CHECK(std::filesystem::is_directory(dir / "a/depot"));
  std::filesystem::permissions(dir / "a/depot", std::filesystem::perms(0700));
  server::make_directory_of(own, dir / "a/depot");
  CHECK((std::filesystem::status(dir / "a/depot").permissions() & std::filesystem::perms::mask) ==
        std::filesystem::perms(0700));
}
