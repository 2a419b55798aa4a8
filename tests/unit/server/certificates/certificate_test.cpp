#include "server/certificates/certificate.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"

using namespace server;
namespace fs = std::filesystem;

namespace {

const CertificateNames names{"host1", {"images.corp.example"}, {"192.0.2.7", "2001:db8::1"}};

std::string error_of(const fs::path& chain, const fs::path& key) {
  try {
    load_certificate(chain, key);
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a certificate is made once, and its key is its owner's alone") {
  const test::TempDir dir;
  const auto made = load_or_make_certificate(dir.path(), names);
  CHECK(made.fingerprint.size() == 32 * 3 - 1);
  CHECK(made.ends() == made_certificate(dir.path())->ends());
  CHECK_FALSE(made_certificate(dir.path() / "none"));
  CHECK((fs::status(dir.path() / "web.key").permissions() & fs::perms::mask) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  const auto again = load_or_make_certificate(dir.path(), names);
  CHECK(again.fingerprint == made.fingerprint);
  CHECK(again.key == made.key);
}

TEST_CASE("a certificate is made again for a name that it has not, and not for one less") {
  const test::TempDir dir;
  const auto made = load_or_make_certificate(dir.path(), names);
  CHECK(load_or_make_certificate(dir.path(), {"host1", {}, {}}).fingerprint == made.fingerprint);
  CHECK(load_or_make_certificate(dir.path(), {"host1", {"other.example"}, {}}).fingerprint !=
        made.fingerprint);
}

TEST_CASE("a key that others may read is refused, and so is a pair that does not belong together") {
  const test::TempDir dir, other;
  load_or_make_certificate(dir.path(), names);
  load_or_make_certificate(other.path(), names);
  CHECK(error_of(dir.path() / "web.crt", dir.path() / "web.key").empty());
  CHECK(error_of(dir.path() / "web.crt", other.path() / "web.key").find("is not the key of") !=
        std::string::npos);
  CHECK(error_of(dir.path() / "web.key", dir.path() / "web.key").find("not a certificate") !=
        std::string::npos);
  CHECK(error_of(dir.path() / "web.crt", dir.path() / "web.crt").find("not a private key") !=
        std::string::npos);
  CHECK(error_of(dir.path() / "none", dir.path() / "web.key").find("cannot be read") != std::string::npos);
  fs::permissions(dir.path() / "web.key", fs::perms::others_read, fs::perm_options::add);
  CHECK_THROWS_WITH_AS(load_or_make_certificate(dir.path(), names), doctest::Contains("chmod 600"),
                       std::runtime_error);
}
