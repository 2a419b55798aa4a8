#include "server/doctor/keys.hpp"

#include <doctest/doctest.h>
#include <libssh/libssh.h>

#include "tests/support/temp_dir.hpp"

using namespace server::doctor;
namespace fs = std::filesystem;
using Found = KeyFile::Found;

namespace {

fs::path make_key(const test::TempDir& folder) {
  auto file = folder / "key";
  ssh_key key = nullptr;
  REQUIRE(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) == SSH_OK);
  REQUIRE(ssh_pki_export_privkey_file(key, nullptr, nullptr, nullptr, file.c_str()) == SSH_OK);
  ssh_key_free(key);
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  return file;
}

}  // namespace

TEST_CASE("a host key is read, and one that others may read is not") {
  const test::TempDir folder;
  const auto file = make_key(folder);
  const auto key = read_key_file(file);
  CHECK(key.found == Found::good);
  CHECK(key.text.starts_with("ssh-ed25519 SHA256:"));
  fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
  CHECK(read_key_file(file).found == Found::open_to_others);
}

TEST_CASE("a key that is missing, damaged, or a link is told as that") {
  const test::TempDir folder;
  CHECK(read_key_file(folder / "none").found == Found::missing);
  const auto damaged = folder.write("damaged", "-----BEGIN");
  fs::permissions(damaged, fs::perms::owner_read);
  CHECK(read_key_file(damaged).found == Found::damaged);
  fs::create_symlink(make_key(folder), folder / "link");
  CHECK(read_key_file(folder / "link").found == Found::unreadable);
}

TEST_CASE("a missing key fails where a server runs that has made it") {
  CHECK(judge_keys({{"/k", Found::good, "ssh-rsa SHA256:x"}}, true).findings() ==
        std::vector<Finding>{{State::ok, "ssh-rsa SHA256:x", ""}});
  CHECK(judge_keys({{"/k", Found::missing, ""}}, true).state() == State::fails);
  CHECK(judge_keys({{"/k", Found::missing, ""}}, false).state() == State::look);
  CHECK(judge_keys({{"/k", Found::open_to_others, ""}}, true).findings().front().fix == "chmod 600 /k");
  CHECK(judge_keys({{"/k", Found::damaged, ""}}, true).state() == State::fails);
  CHECK(judge_keys({{"/k", Found::unreadable, "Permission denied"}}, true).state() == State::fails);
}
