#include "server/ssh/login.hpp"

#include <doctest/doctest.h>

#include <string>

#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using event::LoginFault;
using test::Farewell;
using test::kind_of;
using test::SshFields;
using test::SshHouse;
using test::SshVisitor;
namespace packet = test::packet;

namespace {

// Of "password"; made by passlib, with little work.
constexpr auto cheap_hash =
    "$scrypt$ln=10,r=8,p=16$TmFDbA"
    "$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA";

const auto stranger = test::key_of('s');

void add_users(conf::Settings& settings) {
  auto& users = settings.ssh.users;
  const auto line = test::authorized_line(test::user_key());
  users.push_back(test::user_named("pass", {}, cheap_hash));
  users.push_back(test::user_named("barred", {"from=\"192.0.2.0/24,!192.0.2.7\" " + line}));
  users.push_back(test::user_named("twice", {"from=\"192.0.2.0/24\" " + line, line}));
  users.push_back(test::user_named("page", {line}));
  users.back().web = conf::WebRole::viewer;
  users.back().sftp = false;
}

struct Door : SshHouse {
  Door() : SshHouse(add_users) {}
};

// What every login that fails is answered.
std::string denial() {
  return SshFields(packet::userauth_failure).string("publickey,keyboard-interactive,password").byte(0).text();
}

SshFields interactive(std::string_view name) {
  return SshVisitor::login(name, "keyboard-interactive").string("").string("");
}

SshFields gssapi(std::string_view name) {
  return SshVisitor::login(name, "gssapi-with-mic")
      .u32(1)
      .string("\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
}

bool is_in(SshVisitor& client, const SshFields& login) {
  return kind_of(client.answer_to(login)) == packet::userauth_success;
}

constexpr std::uint32_t by_protocol_error = 2;

}  // namespace

TEST_CASE("a signature by the user's key logs in, and the log names the key") {
  Door door;
  SshVisitor client(door);
  client.agree();
  CHECK(is_in(client, client.signed_key("ewc", test::user_key())));
  const auto login = door.only<event::LoggedIn>();
  CHECK(login.user == "ewc");
  CHECK(login.client == "127.0.0.1");
  CHECK(login.port == client.port);
  CHECK(login.method == std::string("publickey"));
  CHECK(login.key == test::key_text(test::user_key()));
  CHECK(login.number == door.only<event::SshNegotiated>().number);
  CHECK(door.all<event::LoginFailed>().empty());
}

TEST_CASE("a password logs in by either method, and the log has no key and not the password") {
  struct Row {
    bool interactive;
    const char* method;
  };
  for (const auto& row : {Row{false, "password"}, Row{true, "keyboard-interactive/pam"}}) {
    CAPTURE(std::string(row.method));
    Door door;
    SshVisitor client(door);
    client.agree();
    if (row.interactive) {
      CHECK(kind_of(client.answer_to(interactive("pass"))) == packet::info_request);
      CHECK(is_in(client, SshFields(packet::info_response).u32(1).string("password")));
    } else {
      CHECK(is_in(client, SshVisitor::password("pass", "password")));
    }
    const auto login = door.only<event::LoggedIn>();
    CHECK(login.user == "pass");
    CHECK(login.method == std::string(row.method));
    CHECK(login.key.empty());
  }
}

TEST_CASE("the prompt for a password is one, and asks the client not to show what is typed") {
  Door door;
  SshVisitor client(door);
  client.agree();
  const auto prompt = client.answer_to(interactive("nobody"));
  REQUIRE(kind_of(prompt) == packet::info_request);
  std::size_t place = 1;
  for (int i = 0; i < 3; ++i) CHECK(fuzz::string_at(prompt, place).empty());  // name, instruction, language
  CHECK(fuzz::u32_at(prompt, place) == 1);
  place += 4;
  CHECK(fuzz::string_at(prompt, place) == "Password: ");
  CHECK(prompt.substr(place) == std::string(1, '\0'));
}

TEST_CASE("an interactive answer that is not exactly one word opens nothing") {
  Door door;
  for (const auto& answer : {SshFields(packet::info_response).u32(0),
                             SshFields(packet::info_response).u32(2).string("password").string("password"),
                             SshFields(packet::info_response).u32(1).string("")}) {
    SshVisitor client(door);
    client.agree();
    CHECK(kind_of(client.answer_to(interactive("pass"))) == packet::info_request);
    CHECK(client.answer_to(answer) == denial());
    client.leave();
  }
  for (const auto& failed : door.all<event::LoginFailed>()) CHECK(failed.fault == LoginFault::wrong_password);
  CHECK(door.all<event::LoginFailed>().size() == 3);
}

TEST_CASE("every login that fails gets the same answer, and the log alone learns why") {
  enum class By { password, key, other_key };
  struct Row {
    const char* name;
    By by;
    LoginFault fault;
    const char* similar = "";
  };
  Door door;
  for (const auto& row :
       {Row{"pass", By::password, LoginFault::wrong_password},
        Row{"nobody", By::password, LoginFault::unknown_user},
        Row{"nobody", By::key, LoginFault::unknown_user}, Row{"EWC", By::key, LoginFault::other_case, "ewc"},
        Row{"ewc ", By::key, LoginFault::other_case, "ewc"},
        Row{"ewc", By::password, LoginFault::no_password}, Row{"pass", By::key, LoginFault::no_keys},
        Row{"ewc", By::other_key, LoginFault::other_key}, Row{"barred", By::key, LoginFault::barred_key},
        Row{"barred", By::other_key, LoginFault::other_key}, Row{"page", By::key, LoginFault::no_sftp},
        Row{"page", By::other_key, LoginFault::other_key}}) {
    CAPTURE(std::string(row.name));
    CAPTURE(static_cast<int>(row.by));
    door.told.clear();
    const bool by_password = row.by == By::password;
    const auto& key = row.by == By::key ? test::user_key() : stranger;
    SshVisitor client(door);
    client.agree();
    const auto login =
        by_password ? SshVisitor::password(row.name, "wrong") : client.signed_key(row.name, key);
    CHECK(client.answer_to(login) == denial());
    const auto failed = door.only<event::LoginFailed>();
    CHECK(failed.user == row.name);
    CHECK(failed.client == "127.0.0.1");
    CHECK(failed.port == client.port);
    CHECK(failed.method == std::string(by_password ? "password" : "publickey"));
    CHECK(failed.fault == row.fault);
    CHECK(failed.similar == row.similar);
    CHECK(failed.key == (by_password ? "" : test::key_text(key)));
    CHECK(door.all<event::LoggedIn>().empty());
  }
}

TEST_CASE(
    "the right key from a wrong address is told with its patterns, and the same key without them opens") {
  Door door;
  SshVisitor client(door), other(door);
  client.agree();
  CHECK(client.answer_to(SshVisitor::shown_key("barred", test::user_key())) == denial());
  CHECK(door.refused() ==
        std::vector<std::string>{"the right key of user barred, which is not permitted from 127.0.0.1: "
                                 "from=\"192.0.2.0/24,!192.0.2.7\""});
  door.told.clear();
  other.log_in("twice");
  CHECK(door.refused().empty());
}

TEST_CASE("a key that opens is worth a signature, as often as it is shown, and another is not") {
  Door door;
  SshVisitor client(door);
  client.agree();
  CHECK(client.answer_to(SshVisitor::shown_key("ewc", stranger)) == denial());
  const auto worth =
      SshFields(packet::pk_ok).string("ssh-ed25519").string(fuzz::ed25519_blob(test::user_key())).text();
  for (int i = 0; i < 10; ++i)
    CHECK(client.answer_to(SshVisitor::shown_key("ewc", test::user_key())) == worth);
  CHECK(door.all<event::LoggedIn>().empty());
  CHECK(is_in(client, client.signed_key("ewc", test::user_key())));
}

TEST_CASE("a wrong signature gets no answer and opens nothing, and is told with the key that was shown") {
  Door door;
  SshVisitor client(door);
  client.agree();
  client.send(SshVisitor::forged_key("ewc", test::user_key()));
  door.until_told<event::LoginFailed>();
  CHECK(kind_of(client.answer_to(SshVisitor::shown_key("ewc", test::user_key()))) == packet::pk_ok);
  client.send(SshVisitor::forged_key("ewc", test::user_key()));
  door.until_told<event::LoginFailed>(2);
  door.settle();
  CHECK_FALSE(client.has_mail());
  const auto failed = door.all<event::LoginFailed>();
  for (const auto& one : failed) CHECK(one.fault == LoginFault::wrong_signature);
  CHECK(failed[0].key.empty());
  CHECK(failed[1].key == test::key_text(test::user_key()));
  CHECK(is_in(client, client.signed_key("ewc", test::user_key())));
}

TEST_CASE("the sixth try that fails ends the connection, whatever kind of try it is") {
  enum class Kind { shown, wrongly_signed, mixed };
  for (const auto kind : {Kind::shown, Kind::wrongly_signed, Kind::mixed}) {
    CAPTURE(static_cast<int>(kind));
    Door door;
    SshVisitor five(door), six(door);
    const auto fail = [&](SshVisitor& client, int times) {
      client.agree();
      for (int i = 1; i <= times; ++i) {
        const auto told = door.all<event::LoginFailed>().size();
        const bool shows = kind == Kind::shown || (kind == Kind::mixed && i % 2 == 0);
        client.send(shows ? SshVisitor::shown_key("ewc", stranger)
                          : SshVisitor::forged_key("ewc", test::user_key()));
        door.until_told<event::LoginFailed>(told + 1);
        if (shows && i < 6) CHECK(client.next() == denial());
      }
    };
    fail(five, 5);
    CHECK(is_in(five, five.signed_key("ewc", test::user_key())));
    fail(six, 6);
    CHECK(six.farewell() == Farewell{by_protocol_error, "Too many authentication failures"});
    CHECK(door.service.running() == 1);
  }
}

TEST_CASE("a client may ask fifty times without a try") {
  Door door;
  SshVisitor client(door);
  client.agree();
  for (int i = 0; i < 50; ++i)
    CHECK(client.answer_to(i % 2 == 0 ? SshVisitor::login("ewc", "none") : gssapi("ewc")) == denial());
  CHECK(door.all<event::LoginFailed>().empty());
  client.send(SshVisitor::login("ewc", "none"));
  CHECK(client.farewell() == Farewell{by_protocol_error, "51 requests to log in"});
}

TEST_CASE("a client keeps to one user name") {
  const auto shown = [](std::string_view name) { return SshVisitor::shown_key(name, stranger); };
  const auto none = [](std::string_view name) { return SshVisitor::login(name, "none"); };
  const auto forged = [](std::string_view name) { return SshVisitor::forged_key(name, stranger); };
  using Request = std::function<SshFields(std::string_view)>;
  struct Row {
    const char* what;
    Request first, second;
  };
  for (const auto& row : {Row{"none", none, none}, Row{"a key", none, shown}, Row{"GSSAPI", gssapi, none},
                          Row{"a wrong signature", shown, forged}}) {
    CAPTURE(std::string(row.what));
    Door door;
    SshVisitor client(door);
    client.agree();
    CHECK(client.answer_to(row.first("one")) == denial());
    client.send(row.second("two"));
    CHECK(client.farewell() == Farewell{by_protocol_error, "the client changed its user name"});
    for (const auto& failed : door.all<event::LoginFailed>()) CHECK(failed.user == "one");
  }
}

TEST_CASE("a user name has 1024 bytes at most") {
  Door door;
  SshVisitor longest(door), too_long(door);
  longest.agree();
  CHECK(longest.answer_to(SshVisitor::login(std::string(1024, 'n'), "none")) == denial());
  too_long.agree();
  too_long.send(SshVisitor::login(std::string(1025, 'n'), "none"));
  CHECK(too_long.farewell() == Farewell{by_protocol_error, "a user name of 1025 bytes"});
}

TEST_CASE("a user counts as the users file has him when he asks, not when he connected") {
  Door door;
  SshVisitor client(door);
  client.agree();
  CHECK(client.answer_to(SshVisitor::shown_key("new", test::user_key())) == denial());
  auto line = test::authorized_line(test::user_key());
  conf::save_users({test::user_named("new", {line})}, users_file(*door.settings, door.library.depot));
  CHECK(is_in(client, client.signed_key("new", test::user_key())));
}

TEST_CASE("mistakes in the users file are a warning when a login fails, and none for whoever is found") {
  Door door;
  const auto file = users_file(*door.settings, door.library.depot);
  door.directory.write("state/users.yaml", "users:\n  - name: other\n    colour: blue\n");
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  SshVisitor known(door), unknown(door);
  known.log_in();
  CHECK(door.all<event::Warned>().empty());
  unknown.agree();
  CHECK(unknown.answer_to(SshVisitor::shown_key("other", test::user_key())) == denial());
  const auto warned = door.only<event::Warned>();
  CHECK(warned.kind == Warning::users);
  CHECK(warned.text.find("colour") != std::string::npos);
}

TEST_CASE("where an address is refused, accounts that have logged in there do, and others are not judged") {
  SshHouse house([](conf::Settings& settings) {
    add_users(settings);
    settings.ssh.trusted = {};
  });
  SshVisitor vouching(house);
  vouching.log_in();
  vouching.leave();
  house.until_empty();
  for (std::size_t i = 1; i <= 10 && house.all<event::SshPenalised>().empty(); ++i) {
    SshVisitor guessing(house);
    guessing.agree();
    guessing.send(SshVisitor::forged_key("pass", test::user_key()));
    house.until_told<event::LoginFailed>(i);
    guessing.leave();
    house.until_empty();
  }
  CHECK(house.only<event::SshPenalised>().offence == event::Offence::failed_login);
  house.told.clear();
  SshVisitor right(house), again(house);
  right.agree();
  right.send(SshVisitor::password("pass", "password"));
  house.until_told<event::LoginFailed>();
  CHECK(house.only<event::LoginFailed>().fault == LoginFault::not_judged);
  CHECK(house.only<event::Warned>().kind == Warning::logins);
  again.log_in();
  CHECK(house.only<event::LoggedIn>().user == "ewc");
}
