#include "server/process/first_steps.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "conf/load.hpp"
#include "conf/users.hpp"
#include "storage/depot/depot.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::size_t times(std::string_view part, const std::string& text) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

struct House {
  test::TempDir directory;
  storage::Depot depot{directory / "depot"};
  conf::Settings settings = conf::load_defaults().settings;

  void publish(const std::string& release) const {
    directory.write("depot/images/" + release + "/ap1g8", "image");
  }
  fs::path users_file() const { return depot.state() / "users.yaml"; }
  void add_user(const std::string& name) const {
    conf::User user;
    user.name = name;
    user.authorized_keys = {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone"};
    conf::save_users({user}, users_file());
  }
  std::string steps(bool usual_ports = true, const std::string& program = "apdepot") const {
    return server::first_steps(settings, depot, program, usual_ports);
  }
};

}  // namespace

TEST_CASE("an empty depot begins with where a bundle goes, and a place for the release's name") {
  const House house;
  const auto text = house.steps();
  CHECK(text.starts_with("Put a bundle into " + (house.directory / "depot/drop").string() +
                         ", and it is served.\nOn the controller, for TFTP:\n\n"));
  CHECK(has(text, "  tftp-image-path /EWC/<release>\n"));
  CHECK(has(text, "  sftp-image-path /EWC/<release>\n"));
}

TEST_CASE("a depot with releases shows the newest one's path, and says nothing of bundles") {
  House house;
  house.publish("EWC/17_9_4a");
  house.publish("EWC/17_12_1");
  house.publish("EWC/17_3_8");
  const auto text = house.steps();
  CHECK_FALSE(has(text, "Put a bundle"));
  CHECK(text.starts_with("On the controller, for TFTP:\n\n"));
  CHECK(times("-image-path /EWC/17_12_1\n", text) == 2);
  house.directory.write("depot/images/EWC/current", "17_9_4a\n");  // promoted: it goes before newer ones
  CHECK(times("-image-path /EWC/17_9_4a\n", house.steps()) == 2);
}

TEST_CASE("a server without a user shows how one is made, for this depot and this program") {
  const House house;
  const auto text = house.steps(true, "/opt/apdepot/bin/apdepot");
  CHECK(has(text, "\nor for SFTP, after `/opt/apdepot/bin/apdepot user add NAME --depot " +
                      (house.directory / "depot").string() + "`:\n\n"));
  CHECK(has(text, "  sftp-username <user>\n"));
}

TEST_CASE("the first user's name is filled in where there is one") {
  const House house;
  house.add_user("ewc");
  const auto text = house.steps();
  CHECK(has(text, "\nor for SFTP:\n\n"));
  CHECK(has(text, "  sftp-username ewc\n"));
  CHECK_FALSE(has(text, "user add"));
}

TEST_CASE("a users file that others may read, or that is broken, is like none") {
  House house;
  house.add_user("ewc");
  fs::permissions(house.users_file(), fs::perms::others_read, fs::perm_options::add);
  CHECK(has(house.steps(), "  sftp-username <user>\n"));
  fs::permissions(house.users_file(), fs::perms::others_read, fs::perm_options::remove);
  CHECK(has(house.steps(), "  sftp-username ewc\n"));
  house.directory.write("depot/state/users.yaml", "users: [");
  CHECK(has(house.steps(), "  sftp-username <user>\n"));
}

TEST_CASE("other ports than the usual ones are explained") {
  const House house;
  constexpr std::string_view words =
      "Controllers ask on UDP 69 and TCP 22 only; other clients can use the ports above.\n";
  CHECK(house.steps(false).ends_with(words));
  CHECK_FALSE(has(house.steps(true), words));
}

TEST_CASE("names that a terminal would obey are shown, and not obeyed") {
  test::TempDir directory;
  const storage::Depot depot(directory / "de\x1b[2Jpot\n");
  const auto settings = conf::load_defaults().settings;
  const auto text = server::first_steps(settings, depot, "./ap\x07pot", true);
  CHECK(std::ranges::none_of(text, [](char c) { return c < ' ' && c != '\n'; }));
  CHECK(has(text, "de\\x1b[2Jpot\\n/drop, and it is served.\n"));
  CHECK(has(text, "`./ap\\x07pot user add NAME"));
}

TEST_CASE("images that cannot be read are like none") {
  House house;
  house.publish("EWC/17_9_4a");
  fs::rename(house.depot.images(), house.directory / "elsewhere");
  CHECK(has(house.steps(), "  tftp-image-path /EWC/<release>\n"));
}
