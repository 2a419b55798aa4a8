// What the endpoints put together and read, each by itself.
#include <doctest/doctest.h>

#include "server/accounts/user_book.hpp"
#include "server/api/devices.hpp"
#include "server/api/facts.hpp"
#include "server/api/health.hpp"
#include "server/api/history.hpp"
#include "server/api/recent.hpp"
#include "server/api/rollout_api.hpp"
#include "server/api/users.hpp"
#include "server/events/event.hpp"
#include "server/events/syslog.hpp"
#include "storage/images/device_log.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using namespace std::chrono_literals;
namespace record = storage::record;

namespace {

Device device(const std::string& address, std::optional<std::int64_t> last, bool expected = false) {
  Device made;
  made.address = address;
  made.last_at = last;
  made.in_settings = expected;
  return made;
}

storage::Release release(const std::string& path, const std::string& at, bool current = false) {
  storage::Release made;
  made.path = *storage::Path::parse(path);
  if (!at.empty()) made.imported_at = at;
  made.current = current;
  return made;
}

std::string fault_of(const std::string& body) {
  conf::User user;
  std::string name, password;
  return read_user(body, user, name, password);
}

}  // namespace

TEST_CASE("a field of a comma-separated list is quoted where it must be, and never a formula") {
  CHECK(csv_field("plain") == "plain");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("a\"b") == "\"a\"\"b\"");
  CHECK(csv_field("=1+1") == "'=1+1");
  CHECK(csv_field("@x,y") == "\"'@x,y\"");
}

TEST_CASE("who was never seen though expected stands first, and then who was here last") {
  std::vector<Device> devices{device("192.0.2.1", 10), device("192.0.2.2", 20), device("192.0.2.3", {}, true),
                              device("192.0.2.4", 15, true)};
  sort_devices(devices);
  CHECK(devices[0].address == "192.0.2.3");
  CHECK(devices[1].address == "192.0.2.2");
  CHECK(devices[2].address == "192.0.2.4");
  CHECK(devices[3].address == "192.0.2.1");
}

TEST_CASE("a device is told with what it fetched last, and found by any of its texts") {
  auto made = device("192.0.2.7", 1'795'847'068'000);
  made.said = record::Described{};
  made.said->name = "Floor-1", made.said->site = "dock";
  made.holdings = {{"192.0.2.7", "/EWC/a/ap1g8", 1, 2000, 1}, {"192.0.2.7", "/EWC/b/ap1g8", 1, 1000, 1}};
  CHECK(
      device_json(made, 1) ==
      R"({"address":"192.0.2.7","name":"Floor-1","model":null,"site":"dock","kind":"access point","expected":false,)"
      R"("first_at":null,"last_at":"2026-11-28T06:24:28Z","last_fetched":"/EWC/a/ap1g8",)"
      R"("last_fetched_at":"1970-01-01T00:00:02Z","running":1})");
  CHECK(is_about(made, "floor"));
  CHECK(is_about(made, "192.0.2"));
  CHECK(is_about(made, "DOCK"));
  CHECK_FALSE(is_about(made, "17"));
}

TEST_CASE("the release that devices should have is promoted, or the one that was imported last") {
  CHECK_FALSE(current_release({}));
  CHECK(
      current_release({release("/EWC/a", "2026-01-02T00:00:00Z"), release("/EWC/b", "2026-01-01T00:00:00Z")})
          ->path.text() == "/EWC/a");
  CHECK(current_release(
            {release("/EWC/a", "2026-01-02T00:00:00Z"), release("/EWC/b", "2026-01-01T00:00:00Z", true)})
            ->path.text() == "/EWC/b");
  CHECK(current_release({release("/EWC/a", ""), release("/EWC/b", "")})->path.text() == "/EWC/b");
}

TEST_CASE("what a confined doctor could not see says who can") {
  doctor::Result result;
  result.unknown("nft could not be asked");
  result.fails("port 69 is held", "stop it");
  const auto* const check = doctor::find_check("firewall");
  const auto rows = as_confined({{check, std::move(result)}, {check, doctor::all_well("fine")}});
  CHECK(rows[0].result.state() == doctor::State::fails);
  bool told = false;
  for (const auto& each : rows[0].result.findings()) told |= each.fix == "run `sudo apdepot doctor`";
  CHECK(told);
  CHECK(rows[1].result.findings().at(0).found == "fine");
  const auto failing = failing_in(rows);
  REQUIRE(failing.size() == 1);
  CHECK(failing[0].found == "port 69 is held");
  CHECK(failing[0].fix == "stop it");
}

TEST_CASE("a miss that its device has got over, and an end that was followed by a whole one, are not open") {
  using namespace event;
  const Recent::Clock::time_point now{1'795'847'068s};
  const auto missed = [](const std::string& client) {
    return Missed{
        7, Protocol::tftp, client, "/Wrong/ap1g8", {storage::Cause::wrong_directory, "what", "hint", {}, {}}};
  };
  const auto ended = [](const std::string& client, protocols::Cause cause) {
    return TransferEnded{7, Protocol::tftp, client, {}, "ap1g8", "/EWC/a/ap1g8", false, 100, 60, 1, {cause}};
  };
  Recent recent;
  recent.note(missed("192.0.2.6"), now - 16min);
  recent.note(missed("192.0.2.7"), now - 2min);
  recent.note(missed("192.0.2.8"), now - 1min);
  recent.note(ended("192.0.2.7", protocols::Cause::silence), now - 50s);
  recent.note(ended("192.0.2.9", protocols::Cause::silence), now - 40s);
  recent.note(ended("192.0.2.7", protocols::Cause::complete), now - 30s);
  const auto misses = open_misses(recent, now);
  REQUIRE(misses.size() == 1);
  CHECK(misses[0].miss.client == "192.0.2.8");
  CHECK(misses[0].miss.cause == "WRONG_DIRECTORY");
  const auto ends = open_ends(recent, now);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].client == "192.0.2.9");
  CHECK(ends[0].bytes == 60);
}

TEST_CASE("what a device told of a failure is open for a while, the newest of each, until it has the file") {
  using namespace event;
  const Recent::Clock::time_point now{1'795'847'068s};
  const auto said = [](const std::string& client, const std::string& url, const std::string& finding) {
    ControllerSaid made{client, {}, {storage::LogMessage::Kind::failed}, finding, "fix", true};
    made.said.url = url;
    return made;
  };
  Recent recent;
  recent.note(said("192.0.2.1", "tftp://192.0.2.9/a/ap1g6", "too old"), now - 16min);
  recent.note(said("192.0.2.2", "tftp://192.0.2.9/a/ap1g8", "the first"), now - 3min);
  recent.note(said("192.0.2.2", "tftp://192.0.2.9/a/ap1g8", "the second"), now - 2min);
  recent.note(said("192.0.2.3", "tftp://192.0.2.9/a/ap1g8", "fetched since"), now - 2min);
  recent.note(TransferEnded{7,
                            Protocol::tftp,
                            "192.0.2.3",
                            {},
                            "ap1g8",
                            "/EWC/a/ap1g8",
                            false,
                            100,
                            100,
                            1,
                            {protocols::Cause::complete}},
              now - 1min);
  recent.note(said("192.0.2.4", "tftp://192.0.2.9/a/ap1g8", "a miss"), now - 2min);
  recent.note(Missed{7, Protocol::tftp, "192.0.2.4", "/a/ap1g8", {}}, now - 2min);
  const auto open = open_complaints(recent, now);
  REQUIRE(open.size() == 1);
  CHECK(open[0].speaker == "192.0.2.2");
  CHECK(open[0].text == "the second");
  CHECK(open[0].fix == "fix");
}

TEST_CASE("a user is read member by member, and never shown with what opens the account") {
  conf::User user;
  std::string name, password;
  CHECK(read_user(R"({"name":"ewc","password":"secret","root":"/EWC","uploads":true})", user, name, password)
            .empty());
  CHECK(name == "ewc");
  CHECK(password == "secret");
  CHECK(user.root == "/EWC");
  CHECK(user.uploads);
  user.name = name, user.password_hash = "$scrypt$hash";
  CHECK(to_json(user, "users file") ==
        R"({"name":"ewc","root":"/EWC","password":true,"keys":0,"uploads":true,"web":"none","sftp":true,)"
        R"("defined_in":"users file"})");
  CHECK(fault_of("[]") == "the request is not a JSON object");
  CHECK(fault_of(R"({"hash":"x"})").find("hash is not a member of a user") == 0);
  CHECK(fault_of(R"({"password":""})") == "the password is empty");
  CHECK(fault_of(R"({"root":"../etc"})").find("root is a folder of images/") == 0);
  CHECK(fault_of(R"({"uploads":"perhaps"})") == "uploads is true or false");
  CHECK(fault_of(R"({"sftp":"perhaps"})") == "sftp is true or false");
  CHECK(fault_of(R"({"web":"owner"})") == "web is none, viewer or admin");
  CHECK(fault_of(R"({"web":"admin"})") == "a user of the page has a password");
  CHECK(fault_of(R"({"web":"admin","password":"too short"})").find("at least 12 characters") !=
        std::string::npos);
  CHECK(fault_of(R"({"web":"viewer","sftp":false,"password":"long enough for it"})").empty());
  CHECK(fault_of(R"({"keys":["-----BEGIN OPENSSH PRIVATE KEY-----"]})").find("private key") !=
        std::string::npos);
  CHECK(fault_of(R"({"keys":["nonsense"]})").find("keys: ") == 0);
  CHECK(fault_of(R"({"keys":"ssh-ed25519"})").find("keys is a list") == 0);
}

TEST_CASE("the users file is changed by one at a time, and the configuration's users are not in it") {
  test::TempDir directory;
  conf::Settings settings;
  settings.ssh.users.push_back({.name = "configured", .password_hash = {}, .authorized_keys = {}});
  UserBook book(settings, directory / "users.yaml"), other(settings, directory / "users.yaml");
  const auto add = [](UserBook& to, const std::string& name) {
    to.change([&] {
      to.expect_free(name);
      conf::User user;
      user.name = name;
      user.authorized_keys = {
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrbG1zPDNwMBpYXvqDOqdWbN0ncq1Sd0wCZNJTyPLSX a"};
      to.users().push_back(user);
    });
  };
  add(book, "one");
  add(other, "two");
  CHECK(UserBook(settings, directory / "users.yaml").users().size() == 2);
  CHECK_THROWS_AS(add(book, "two"), UserBook::Refused);
  CHECK_THROWS_AS(book.existing("configured"), UserBook::Refused);
  CHECK_THROWS_AS(book.expect_free("configured"), UserBook::Refused);
  CHECK_THROWS_AS(book.existing("nobody"), UserBook::Refused);
  CHECK(book.existing("one").name == "one");
}
