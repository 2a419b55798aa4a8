#include "server/ssh/host_keys.hpp"

#include <doctest/doctest.h>

#include <barrier>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

ssh::Key generated(ssh_keytypes_e type, int bits) {
  ssh_key key = nullptr;
  REQUIRE(ssh_pki_generate(type, bits, &key) == SSH_OK);
  return ssh::Key(key);
}

std::string exported(const ssh::Key& key) {
  char* text = nullptr;
  REQUIRE(ssh_pki_export_privkey_base64(key.get(), nullptr, nullptr, nullptr, &text) == SSH_OK);
  const std::unique_ptr<char, ssh::Deleter<ssh_string_free_char>> owner(text);
  return text;
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A depot in which the first key is there already, for to make one of RSA takes long.
struct House {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  const std::filesystem::path first = depot.state() / "ssh_host_rsa_key",
                              second = depot.state() / "ssh_host_ed25519_key";

  House() { put(exported(generated(SSH_KEYTYPE_ED25519, 0))); }
  void put(std::string_view text, unsigned mode = 0600) const {
    dir.write("state/ssh_host_rsa_key", text);
    test::set_mode(first, mode);
  }
  std::string refusal() const {
    try {
      load_or_make_host_keys(depot);
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }
};

}  // namespace

TEST_CASE("a new depot gets a key of RSA with 3072 bits and one of Ed25519, and keeps both") {
  const test::TempDir dir;
  const storage::Depot depot(dir.path());
  const auto made = load_or_make_host_keys(depot);
  REQUIRE(made.size() == 2);
  CHECK(made[0].type == "ssh-rsa");
  CHECK(made[1].type == "ssh-ed25519");
  CHECK(ssh::base64(made[0].key.get()).size() == 544);  // a modulus of 384 bytes, with what is around it
  std::vector<std::string> contents;
  for (const auto* name : {"ssh_host_rsa_key", "ssh_host_ed25519_key"}) {
    CHECK(test::mode_of(depot.state() / name).value_or(0600) == 0600);
    contents.push_back(content_of(depot.state() / name));
  }
  const auto again = load_or_make_host_keys(depot);
  REQUIRE(again.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(ssh_key_is_private(again[i].key.get()) == 1);
    CHECK(again[i].fingerprint == made[i].fingerprint);
    CHECK(again[i].fingerprint.starts_with("SHA256:"));
    CHECK(again[i].fingerprint.size() == 7 + 43);
  }
  CHECK(made[0].fingerprint != made[1].fingerprint);
  CHECK(content_of(depot.state() / "ssh_host_rsa_key") == contents[0]);
  CHECK(content_of(depot.state() / "ssh_host_ed25519_key") == contents[1]);
}

TEST_CASE("a key that an administrator put there is taken as it is") {
  const House house;
  const auto own = generated(SSH_KEYTYPE_RSA, 2048);
  house.put(exported(own), 0400);
  const auto keys = load_or_make_host_keys(house.depot);
  CHECK(keys[0].type == "ssh-rsa");
  CHECK(keys[0].fingerprint == ssh::fingerprint(own.get()));
  CHECK(test::mode_of(house.first).value_or(0400) == 0400);
}

TEST_CASE("a key that others than its owner have any right to is refused, with the command that helps") {
  const House house;
  const auto text = content_of(house.first);
  if (!test::set_mode(house.first, 0600)) return;
  for (const unsigned mode : {0640U, 0620U, 0610U, 0604U, 0602U, 0601U, 0666U}) {
    CAPTURE(mode);
    house.put(text, mode);
    const auto file = house.first.string();
    CHECK(house.refusal() == "the host key " + file + " can be read by others: `chmod 600 " + file + "`");
    CHECK(content_of(house.first) == text);
  }
  CHECK_FALSE(std::filesystem::exists(house.second));
  house.put(text);
  CHECK(house.refusal().empty());
}

TEST_CASE("a file that is not a private key is refused and stays as it was: devices remember the key") {
  const House house;
  const auto good = content_of(house.first);
  const auto key = generated(SSH_KEYTYPE_ED25519, 0);
  for (const auto& text :
       {std::string(), std::string("\n"), std::string("no key"), good.substr(0, good.size() / 2),
        good.substr(good.size() / 2), "ssh-ed25519 " + ssh::base64(key.get()) + " comment\n",
        std::string(100'000, 'A'), std::string("-----BEGIN OPENSSH PRIVATE KEY-----\n")}) {
    CAPTURE(text.substr(0, 40));
    house.put(text);
    const auto why = house.refusal();
    CHECK(why.starts_with("the host key " + storage::utf8_of(house.first) +
                          " cannot be read: repair it, or move it away"));
    CHECK(content_of(house.first) == text);
  }
}

TEST_CASE("servers that begin at once with a new depot all show the same key") {
  const House house;
  constexpr std::size_t servers = 4;
  for (int round = 0; round < 10; ++round) {
    std::filesystem::remove(house.second);
    std::barrier start(static_cast<std::ptrdiff_t>(servers));
    std::vector<std::string> shown(servers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < servers; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        shown[i] = load_or_make_host_keys(house.depot).at(1).fingerprint;
      });
    }
    for (auto& thread : threads) thread.join();
    const auto kept = load_or_make_host_keys(house.depot).at(1).fingerprint;
    CHECK(shown == std::vector<std::string>(servers, kept));
  }
}
