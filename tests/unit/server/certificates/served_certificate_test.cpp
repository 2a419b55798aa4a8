#include "server/certificates/served_certificate.hpp"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "conf/load.hpp"
#include "server/certificates/certificate.hpp"
#include "server/events/event.hpp"
#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/warning.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "storage/depot/depot.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/certificates/own_certificate.hpp"

using namespace server;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using test::own_certificate;

namespace {

struct House {
  test::TempDir dir;
  storage::Depot depot{dir / "depot"};
  std::shared_ptr<conf::Settings> configured =
      std::make_shared<conf::Settings>(conf::load_defaults().settings);
  net::io_context loop;
  Lanes lanes{loop};
  Events events;
  LiveSettings settings{configured};
  ServedCertificate served{loop, lanes, events, settings, depot};
  std::vector<std::string> warnings;
  int loaded = 0;

  House() {
    served.when_loaded([this] { ++loaded; });
    events.listen([this](const Event& event) {
      if (const auto* one = event.get_if<event::Warned>()) {
        CHECK(one->kind == Warning::certificate);
        warnings.push_back(one->text);
      }
    });
  }
  void load() {
    served.load();
    const auto guard = net::make_work_guard(loop);
    loop.restart();
    while (lanes.disk.busy() > 0) REQUIRE(loop.run_one_for(120s) > 0);
  }
  // The administrator's own, in place of what was there.
  void give(const test::OwnCertificate& own) {
    configured->web.certificate = dir.write("own.crt", own.chain);
    configured->web.key = dir.write("own.key", own.key);
  }
};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// A client and the server's side of one connection, in memory.
class Connection {
 public:
  explicit Connection(ServedCertificate& served, int version = TLS1_3_VERSION, const char* groups = nullptr)
      : context_(SSL_CTX_new(TLS_client_method())), held_(served.context()) {
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    if (groups) SSL_CTX_set1_groups_list(context_.get(), groups);
    SSL_CTX_set_security_level(context_.get(), 0);
    client_.reset(SSL_new(context_.get()));
    server_.reset(SSL_new(held_->native_handle()));
    BIO *to_server = nullptr, *to_client = nullptr;
    REQUIRE(BIO_new_bio_pair(&to_server, 1 << 20, &to_client, 1 << 20) == 1);
    SSL_set_bio(client_.get(), to_server, to_server);
    SSL_set_bio(server_.get(), to_client, to_client);
    SSL_set_connect_state(client_.get());
    SSL_set_accept_state(server_.get());
  }

  bool shake_hands() {
    for (int i = 0; i < 10; ++i) {
      const int client = SSL_do_handshake(client_.get()), server = SSL_do_handshake(server_.get());
      if (client == 1 && server == 1) return true;
    }
    return false;
  }
  void send(const std::string& text) {
    REQUIRE(SSL_write(client_.get(), text.data(), static_cast<int>(text.size())) ==
            static_cast<int>(text.size()));
  }
  void send_new_keys(int count) {
    for (int i = 0; i < count; ++i) {
      REQUIRE(SSL_key_update(client_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
      REQUIRE(SSL_do_handshake(client_.get()) == 1);
    }
  }
  // What the server reads at once; empty where it reads nothing.
  std::string read() {
    std::array<char, 100> buffer{};
    int got = 0;
    for (int tries = 0; tries < 3 && got <= 0; ++tries)
      got = SSL_read(server_.get(), buffer.data(), static_cast<int>(buffer.size()));
    return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : "";
  }
  std::string certificate() const {
    const std::unique_ptr<X509, test::FreeX509> shown(SSL_get1_peer_certificate(client_.get()));
    const test::Bio bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), shown.get());
    return test::text_of(bio);
  }

 private:
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  ServedCertificate::Context held_;
  std::unique_ptr<SSL, FreeSsl> client_, server_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("nothing is loaded as long as nothing is served over TLS") {
  House house;
  house.load();
  CHECK_FALSE(house.served.context());
  CHECK(house.served.fingerprint().empty());
  CHECK_FALSE(fs::exists(house.depot.state() / "web.crt"));
  CHECK(house.loaded == 0);
}

TEST_CASE("where the administrator has none the server makes one, tells what a browser shows, and keeps it") {
  House house;
  house.configured->web.names = {"images.corp.example"};
  house.served.want();
  house.load();
  REQUIRE(house.served.context());
  CHECK_FALSE(house.served.ends_at());  // for it is renewed in time
  const auto made = made_certificate(house.depot.state());
  REQUIRE(made);
  CHECK(house.served.fingerprint() == made->fingerprint);
  REQUIRE(house.warnings.size() == 1);
  CHECK(has(house.warnings[0], "the certificate for HTTPS ends " + made->ends()));
  CHECK(has(house.warnings[0], "SHA-256 " + made->fingerprint));
  CHECK(X509_check_host(test::parsed(made->chain).get(), "images.corp.example", 0, 0, nullptr) == 1);

  house.load();
  CHECK(house.served.fingerprint() == made->fingerprint);
  CHECK(house.warnings.size() == 1);
  CHECK(house.loaded == 2);
}

TEST_CASE("the administrator's own is served, with its end, and a renewed one from the next load on") {
  House house;
  const auto first = own_certificate("host1", 100 * 24h), second = own_certificate("host1", 200 * 24h);
  house.give(first);
  house.served.want();
  house.load();
  REQUIRE(house.served.ends_at());
  const auto ends = *house.served.ends_at();
  CHECK(ends > std::chrono::system_clock::now() + 99 * 24h);
  CHECK(ends < std::chrono::system_clock::now() + 101 * 24h);
  CHECK_FALSE(fs::exists(house.depot.state() / "web.crt"));
  Connection old(house.served);

  house.give(second);
  house.load();
  CHECK(*house.served.ends_at() > ends);
  CHECK(house.warnings.size() == 2);
  Connection later(house.served);
  REQUIRE(old.shake_hands());
  CHECK(old.certificate() == first.chain);
  REQUIRE(later.shake_hands());
  CHECK(later.certificate() == second.chain);
}

TEST_CASE("files that cannot be used are told, and what was served before goes on") {
  House house;
  const auto own = own_certificate("host1", 100 * 24h);
  house.give({own.chain, own_certificate("host1", 100 * 24h).key});
  house.served.want();
  house.load();
  CHECK_FALSE(house.served.context());
  CHECK(house.loaded == 0);
  REQUIRE(house.warnings.size() == 1);
  CHECK(house.warnings[0].starts_with("HTTPS is not served: "));
  CHECK(has(house.warnings[0], "is not the key of"));

  house.give(own);
  house.load();
  const auto context = house.served.context();
  REQUIRE(context);
  const auto fingerprint = house.served.fingerprint();
  house.dir.write("own.crt", "not a certificate");
  house.load();
  CHECK(house.served.context() == context);
  CHECK(house.served.fingerprint() == fingerprint);
  CHECK(house.served.ends_at());
  CHECK(house.loaded == 1);
  REQUIRE(house.warnings.size() == 3);
  CHECK(house.warnings[2].starts_with("HTTPS has its old certificate: "));
  CHECK(has(house.warnings[2], "is not a certificate in PEM"));
}

TEST_CASE("a certificate without its key in the configuration is not used") {
  House house;
  house.configured->web.certificate = house.dir.write("own.crt", own_certificate("host1", 100 * 24h).chain);
  house.served.want();
  house.load();
  REQUIRE(house.served.context());
  CHECK(house.served.fingerprint() == made_certificate(house.depot.state())->fingerprint);
}

TEST_CASE("clients have TLS 1.2 or 1.3, and a group that costs little") {
  House house;
  house.give(own_certificate("host1", 100 * 24h));
  house.served.want();
  house.load();
  struct Row {
    int version;
    const char* groups;
    bool good;
  };
  const Row rows[] = {{TLS1_3_VERSION, nullptr, true},  {TLS1_2_VERSION, nullptr, true},
                      {TLS1_1_VERSION, nullptr, false}, {TLS1_3_VERSION, "X25519", true},
                      {TLS1_3_VERSION, "P-384", true},  {TLS1_3_VERSION, "ffdhe8192", false},
                      {TLS1_3_VERSION, "P-521", false}};
  for (const auto& row : rows) {
    CAPTURE(row.version);
    CAPTURE(row.groups);
    Connection connection(house.served, row.version, row.groups);
    CHECK(connection.shake_hands() == row.good);
  }
}

TEST_CASE(
    "a client that sends new keys without end is cut off, and one that does so now and then is served") {
  House house;
  house.give(own_certificate("host1", 100 * 24h));
  house.served.want();
  house.load();
  Connection usual(house.served), hostile(house.served);
  REQUIRE(usual.shake_hands());
  for (int i = 0; i < 5; ++i) {
    usual.send_new_keys(11);
    usual.send("hello");
    CHECK(usual.read() == "hello");
  }
  REQUIRE(hostile.shake_hands());
  hostile.send_new_keys(66);
  hostile.send("hello");
  CHECK(hostile.read().empty());
}
