#include "server/certificates/certificate.hpp"

#include <doctest/doctest.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/certificates/own_certificate.hpp"

using namespace server;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using test::own_certificate;
using test::parsed;

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

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Puts a certificate there as if the server had made it.
void put(const test::TempDir& dir, const test::OwnCertificate& made) {
  dir.write("web.crt", made.chain);
  dir.write("web.key", made.key);
  fs::permissions(dir / "web.key", fs::perms::owner_read | fs::perms::owner_write);
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

TEST_CASE(
    "a certificate that is made stands for this host by each of its names and addresses, and for no other") {
  const test::TempDir dir;
  const auto made = load_or_make_certificate(dir.path(), names);
  const auto certificate = parsed(made.chain);
  REQUIRE(certificate);
  const auto is_for = [&](const std::string& name) {
    return X509_check_host(certificate.get(), name.data(), name.size(), 0, nullptr) == 1;
  };
  for (const auto* name : {"localhost", "host1", "images.corp.example"}) CHECK_MESSAGE(is_for(name), name);
  for (const auto* name : {"host2", "corp.example", "apdepot"}) CHECK_FALSE_MESSAGE(is_for(name), name);
  for (const auto* address : {"127.0.0.1", "::1", "192.0.2.7", "2001:db8::1"})
    CHECK_MESSAGE(X509_check_ip_asc(certificate.get(), address, 0) == 1, address);
  CHECK(X509_check_ip_asc(certificate.get(), "192.0.2.8", 0) != 1);
  CHECK(X509_check_ca(certificate.get()) == 0);
  CHECK(X509_check_purpose(certificate.get(), X509_PURPOSE_SSL_SERVER, 0) == 1);
  CHECK(X509_check_purpose(certificate.get(), X509_PURPOSE_SSL_CLIENT, 0) != 1);
}

TEST_CASE(
    "a certificate that is made is good from yesterday on, and for less than 825 days, as browsers want it") {
  const test::TempDir dir;
  const auto made = load_or_make_certificate(dir.path(), names);
  const auto certificate = parsed(made.chain);
  REQUIRE(certificate);
  int days = 0, seconds = 0;
  REQUIRE(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate.get()),
                         X509_get0_notAfter(certificate.get())) == 1);
  CHECK(days == 825);
  CHECK(X509_cmp_current_time(X509_get0_notBefore(certificate.get())) < 0);
  const auto left = made.ends_at - std::chrono::system_clock::now();
  CHECK(left > 823 * 24h);
  CHECK(left <= 824 * 24h);
}

TEST_CASE("a host's name that cannot stand in a certificate is left out, and nothing else with it") {
  for (const auto* host : {"", "a,DNS:evil.example", "host one", "h\xf6st"}) {
    CAPTURE(host);
    const test::TempDir dir;
    const auto certificate =
        parsed(load_or_make_certificate(dir.path(), {host, {"images.example"}, {}}).chain);
    REQUIRE(certificate);
    CHECK(X509_check_host(certificate.get(), "images.example", 0, 0, nullptr) == 1);
    CHECK(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr) == 1);
    CHECK(X509_check_host(certificate.get(), "evil.example", 0, 0, nullptr) != 1);
  }
}

TEST_CASE("a certificate that ends within thirty days is made again, and a later one is kept") {
  struct Row {
    std::chrono::seconds left;
    bool kept;
  };
  for (const auto& row : {Row{30 * 24h + 1h, true}, Row{30 * 24h - 1h, false}, Row{-1h, false}}) {
    CAPTURE(row.left.count());
    const test::TempDir dir;
    const auto own = own_certificate("host1", row.left);
    put(dir, own);
    const auto found = load_or_make_certificate(dir.path(), {"host1", {}, {}});
    CHECK((found.chain == own.chain) == row.kept);
    CHECK(read(dir / "web.crt") == found.chain);
    CHECK(read(dir / "web.key") == found.key);
    CHECK(error_of(dir / "web.crt", dir / "web.key").empty());
  }
}

TEST_CASE("a half of a pair, or a file that is not a certificate, is made again") {
  const test::TempDir dir;
  const auto first = load_or_make_certificate(dir.path(), names);
  fs::remove(dir / "web.key");
  const auto second = load_or_make_certificate(dir.path(), names);
  CHECK(second.fingerprint != first.fingerprint);
  fs::remove(dir / "web.crt");
  const auto third = load_or_make_certificate(dir.path(), names);
  CHECK(third.fingerprint != second.fingerprint);
  dir.write("web.crt", "");
  const auto fourth = load_or_make_certificate(dir.path(), names);
  CHECK(fourth.fingerprint != third.fingerprint);
  CHECK(made_certificate(dir.path())->fingerprint == fourth.fingerprint);
}

TEST_CASE("what is wrong with a pair that lies there is said, and the pair is not replaced") {
  const test::TempDir dir;
  const auto own = own_certificate("host1", 100 * 24h), other = own_certificate("host1", 100 * 24h);
  put(dir, {own.chain, other.key});
  CHECK_THROWS_WITH_AS(load_or_make_certificate(dir.path(), {"host1", {}, {}}),
                       doctest::Contains("is not the key of"), std::runtime_error);
  CHECK(read(dir / "web.crt") == own.chain);
  fs::remove(dir / "web.key");
  CHECK_THROWS_WITH_AS(made_certificate(dir.path()), doctest::Contains("web.key cannot be read"),
                       std::runtime_error);
}

TEST_CASE("a key that has a passphrase is refused, and nobody is asked for it") {
  const test::TempDir dir;
  const auto own = own_certificate("host1", 100 * 24h, "secret");
  const auto chain = dir.write("a.crt", own.chain), key = dir.write("a.key", own.key);
  const auto error = error_of(chain, key);
  CHECK(error.find("is not a private key in PEM without a passphrase") != std::string::npos);
  CHECK(error.find("openssl pkey -in FILE -out " + key.string()) != std::string::npos);
}

TEST_CASE("of a chain the first certificate is shown, and its end is told as a day") {
  const test::TempDir dir;
  const auto leaf = own_certificate("host1", 100 * 24h), issuer = own_certificate("ca", 3000 * 24h);
  const auto key = dir.write("a.key", leaf.key);
  const auto alone = load_certificate(dir.write("leaf.crt", leaf.chain), key);
  const auto loaded = load_certificate(dir.write("a.crt", "a remark\n" + leaf.chain + issuer.chain), key);
  CHECK(loaded.fingerprint == alone.fingerprint);
  CHECK(loaded.ends_at == alone.ends_at);
  CHECK(loaded.chain.ends_with(issuer.chain));
  CHECK(error_of(dir.write("b.crt", issuer.chain + leaf.chain), key).find("their public keys differ") !=
        std::string::npos);
  Certificate ends;
  ends.ends_at = std::chrono::sys_days(std::chrono::year(2028) / 3 / 4) + 23h + 59min + 59s;
  CHECK(ends.ends() == "2028-03-04");
}
