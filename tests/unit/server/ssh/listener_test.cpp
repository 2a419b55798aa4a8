#include "server/ssh/listener.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::Offence;
using event::SshLimit;
using test::SshFields;
using test::SshHouse;
using test::SshVisitor;
namespace packet = test::packet;

namespace {

SshHouse::Change with(std::function<void(conf::Ssh&)> change) {
  return [change = std::move(change)](conf::Settings& settings) {
    settings.ssh.trusted = {};
    change(settings.ssh);
  };
}

// An offer of algorithms with one list of ours (RFC 4253 7.1), all other lists as SshClient has them.
SshFields offer(std::size_t place, std::string_view names) {
  SshFields fields(packet::kexinit);
  fields.raw(std::string(16, 'c'));
  std::vector<std::string> lists{"curve25519-sha256",
                                 "ssh-ed25519",
                                 "aes128-gcm@openssh.com",
                                 "aes128-gcm@openssh.com",
                                 "hmac-sha2-256",
                                 "hmac-sha2-256",
                                 "none",
                                 "none",
                                 "",
                                 ""};
  lists.at(place) = names;
  for (const auto& list : lists) fields.string(list);
  return fields.byte(0).u32(0);
}

bool is_refused(SshHouse& house) {
  tcp::socket socket(house.loop);
  error_code error;
  socket.connect(house.address, error);
  return error == net::error::connection_refused;
}

}  // namespace

TEST_CASE("connections wait until the host keys are there") {
  SshHouse house({}, false);
  SshVisitor client(house);
  house.settle();
  CHECK(client.received.empty());
  CHECK(house.service.running() == 0);
  auto keys = test::host_keys();
  const auto fingerprint = keys[0].fingerprint;
  house.service.use(std::move(keys));
  client.agree();
  const auto key = house.only<event::HostKey>();
  CHECK(key.type == "ssh-ed25519");
  CHECK(key.fingerprint == fingerprint);
  CHECK(house.service.running() == 1);
}

TEST_CASE("the server names itself and no other program") {
  SshHouse house;
  SshVisitor client(house);
  house.until([&] { return client.received.find('\n') != std::string::npos; });
  CHECK(client.received.starts_with("SSH-2.0-apdepot_" APDEPOT_VERSION "\r\n"));
}

TEST_CASE("a client beyond a limit is told in sshd's words, once in ten seconds, and a place is given back") {
  SshHouse house(with([](conf::Ssh& ssh) { ssh.max_sessions_per_address = 1; }));
  SshVisitor first(house);
  first.agree();
  SshVisitor second(house);
  house.until([&] { return second.gone(); });
  CHECK(second.received == "Exceeded MaxStartups\r\n");
  const auto drop = house.only<event::SshDropped>();
  CHECK(drop.limit == SshLimit::sessions_per_address);
  CHECK(drop.client == "127.0.0.1");
  CHECK(drop.port == second.port);
  CHECK(drop.listener == "127.0.0.1");
  CHECK(drop.listener_port == house.address.port());
  CHECK(drop.unauthenticated == 1);
  CHECK(drop.untold == 0);
  SshVisitor third(house);
  house.until([&] { return third.gone(); });
  CHECK(third.received.empty());
  CHECK(house.all<event::SshDropped>().size() == 1);
  first.leave();
  house.until_empty();
  SshVisitor fourth(house);
  fourth.agree();
}

TEST_CASE("a login gives its place among those who have not logged in back while its session goes on") {
  SshHouse house(with([](conf::Ssh& ssh) { ssh.max_unauthenticated_per_address = 1; }));
  SshVisitor first(house), second(house);
  first.log_in();
  house.until([&] { return second.gone() || second.ssh.greeted(); });
  CHECK(second.gone());  // it came before the first one had logged in
  SshVisitor third(house);
  third.agree();
  CHECK(house.only<event::SshDropped>().limit == SshLimit::unauthenticated_per_address);
}

TEST_CASE("guesses begin a penalty: the log learns of it, and the address is not allowed for a while") {
  SshHouse house(with([](conf::Ssh&) {}));
  std::size_t connections = 0;
  while (connections < 10 && house.all<event::SshPenalised>().empty()) {
    SshVisitor client(house);
    client.agree();
    client.send(SshVisitor::forged_key("ewc", test::user_key()));
    house.until_told<event::LoginFailed>(++connections);
    client.leave();
    house.until_empty();
  }
  CHECK(connections >= 3);
  const auto penalty = house.only<event::SshPenalised>();
  CHECK(penalty.offence == Offence::failed_login);
  CHECK(penalty.client == "127.0.0.1");
  CHECK(penalty.period >= 15s);
  CHECK(penalty.number == house.all<event::LoginFailed>().back().number);
  SshVisitor next(house);
  house.until([&] { return next.gone(); });
  CHECK(next.received == "Not allowed at this time\r\n");
  CHECK(house.only<event::SshDropped>().limit == SshLimit::penalty);
  CHECK(house.only<event::SshDropped>().offence == Offence::failed_login);
}

TEST_CASE("a client that has not logged in when its time is over is told so, and has offended") {
  SshHouse house(with([](conf::Ssh& ssh) { ssh.login_grace = 1s; }));
  for (int i = 0; i < 5 && house.all<event::SshPenalised>().empty(); ++i) {
    SshVisitor client(house);
    client.ssh.begin();
    client.move();
    CHECK(client.farewell().text == "Timeout before authentication");
    house.until_empty();
    CHECK(house.all<event::SshEnded>().back().how == event::SshEnd::timeout);
  }
  CHECK(house.only<event::SshPenalised>().offence == Offence::login_grace);
}

TEST_CASE("a connection that ends without a word is a probe, and one with a version is not") {
  SshHouse house;
  SshVisitor silent(house), polite(house);
  house.until([&] { return silent.ssh.greeted() && polite.ssh.greeted(); });
  silent.leave();
  house.until_told<event::SshProbed>();
  polite.ssh.begin();
  house.settle();
  polite.leave();
  house.until_empty();
  CHECK(house.only<event::SshProbed>().client == "127.0.0.1");
  const auto end = house.only<event::SshEnded>();
  CHECK(end.how == event::SshEnd::closed);
  CHECK(end.user.empty());
  CHECK(end.port == polite.port);
}

TEST_CASE("of a client without a common algorithm both lists are told, of each kind") {
  struct Row {
    std::size_t place;
    const char *names, *kind, *ours;
    bool legacy_helps;
  };
  for (const auto& row :
       {Row{0, "diffie-hellman-group14-sha1,unheard-of", "key exchange method", "curve25519-sha256", true},
        Row{0, "diffie-hellman-group1-sha1", "key exchange method", "curve25519-sha256", false},
        Row{1, "ssh-dss", "host key type", "ssh-ed25519", false},
        Row{2, "aes128-cbc", "cipher", "aes256-gcm@openssh.com", true},
        Row{3, "3des-cbc,arcfour", "cipher", "aes256-gcm@openssh.com", false},
        Row{7, "zlib", "compression algo server->client", "none", false}}) {
    CAPTURE(std::string(row.names));
    SshHouse house;
    SshVisitor client(house);
    client.ssh.begin();
    client.ssh.garbled();  // this test makes the offer itself
    house.settle();
    client.send(offer(row.place, row.names));
    house.until_told<event::SshMismatched>();
    const auto mismatch = house.only<event::SshMismatched>();
    CHECK(mismatch.theirs == row.names);
    CHECK(mismatch.kind == row.kind);
    CHECK(mismatch.ours.find(row.ours) != std::string::npos);
    CHECK(mismatch.banner == "SSH-2.0-fuzz");
    CHECK(mismatch.port == client.port);
    CHECK(mismatch.legacy_helps == row.legacy_helps);
    CHECK(house.all<event::SshEnded>().empty());
    CHECK(house.all<event::SshNegotiated>().empty());
  }
}

TEST_CASE("what is not SSH ends its own connection and no other") {
  for (const auto& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"),
                            std::string("\x16\x03\x01\x02\x00\x01", 6) + std::string(2000, 'x'),
                            std::string(5000, '\0'), std::string("SSH-1.5-old\r\n"),
                            std::string("SSH-2.0-x\r\n\xff\xff\xff\xff") + std::string(100, 'x')}) {
    CAPTURE(bytes.substr(0, 16));
    SshHouse house;
    SshVisitor good(house), bad(house);
    good.log_in();
    bad.ssh.send_raw(bytes);
    house.until([&] { return bad.gone(); });
    house.settle();
    CHECK(house.service.running() == 1);
    good.open_channel();
  }
}

TEST_CASE("an address that is closed takes no more clients, and who is there goes on") {
  SshHouse house;
  SshVisitor client(house);
  client.log_in();
  auto other = house.address;
  other.port(static_cast<std::uint16_t>(other.port() ^ 1));
  house.service.close(other);
  CHECK_FALSE(is_refused(house));
  house.service.close(house.address);
  house.settle();
  CHECK(is_refused(house));
  client.open_channel();
}

TEST_CASE("when nobody is left it is told once, and not before") {
  SshHouse house;
  int told = 0;
  SshVisitor first(house), second(house);
  first.log_in();
  second.agree();
  house.service.when_empty([&] { ++told; });
  house.service.stop_listening();
  CHECK(is_refused(house));
  first.leave();
  house.until([&] { return house.service.running() == 1; });
  CHECK(told == 0);
  second.leave();
  house.until_empty();
  CHECK(told == 1);
}

TEST_CASE("a server that stops ends all sessions at once, however far they are") {
  SshHouse house;
  SshVisitor silent(house), agreeing(house), logged_in(house);
  logged_in.log_in();
  agreeing.ssh.begin();
  agreeing.ssh.exchange_keys();
  house.until([&] { return agreeing.ssh.greeted(); });
  house.service.stop_sessions();
  house.until_empty();
  for (auto* client : {&silent, &agreeing, &logged_in}) {
    house.until([&] { return client->gone(); });
  }
  CHECK(logged_in.farewell() == test::Farewell{11, "the server is shutting down"});
}
