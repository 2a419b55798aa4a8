#include "server/process/used_places.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "conf/log.hpp"
#include "conf/settings.hpp"
#include "storage/depot/depot.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;

namespace {

bool holds(const std::vector<fs::path>& places, const fs::path& place) {
  return std::ranges::find(places, fs::canonical(place)) != places.end();
}

}  // namespace

TEST_CASE("the server writes the depot and the log's folder, and reads the configuration's and the users'") {
  test::TempDir dir;
  conf::Settings settings;
  settings.log.destination = {conf::LogTarget::file, dir / "log/apdepot.log"};
  settings.ssh.users_file = dir / "users/users.yaml";
  for (const auto* folder : {"log", "users", "conf"}) fs::create_directory(dir / folder);
  const storage::Depot depot(dir / "depot");
  const auto places = server::used_places(settings, depot, (dir / "conf/apdepot.yaml").string());
  CHECK(holds(places.written, dir / "depot"));
  CHECK(holds(places.written, dir / "log"));
  CHECK(holds(places.read, dir / "conf"));
  CHECK(holds(places.read, dir / "users"));
  CHECK_FALSE(holds(places.written, dir / "conf"));
  CHECK_FALSE(holds(places.written, dir.path()));
  CHECK(server::is_readable(places, dir / "users/others.yaml"));
  CHECK(server::is_readable(places, dir / "depot/state/users.yaml"));
  CHECK(server::is_readable(places, "/etc/apdepot/users.yaml"));
  CHECK_FALSE(server::is_readable(places, dir / "usersx/users.yaml"));
  CHECK_FALSE(server::is_readable(places, dir / "users/../users.yaml"));
}

TEST_CASE("a folder that a link leads to counts too") {
  test::TempDir dir;
  conf::Settings settings;
  for (const auto* folder : {"depot", "disk", "nix", "conf"}) fs::create_directory(dir / folder);
  fs::create_directory_symlink(dir / "disk", dir / "depot/images");
  fs::create_symlink(dir.write("nix/real.yaml", ""), dir / "conf/apdepot.yaml");
  const storage::Depot depot(dir / "depot");
  const auto places = server::used_places(settings, depot, (dir / "conf/apdepot.yaml").string());
  CHECK(holds(places.written, dir / "disk"));
  CHECK(holds(places.read, dir / "conf"));
  CHECK(holds(places.read, dir / "nix"));
}

TEST_CASE("certificate and key of the page are read where they are named and where links lead") {
  test::TempDir dir;
  conf::Settings settings;
  for (const auto* folder : {"ssl", "live", "archive"}) fs::create_directory(dir / folder);
  fs::create_symlink(dir.write("archive/cert1.pem", ""), dir / "live/cert.pem");
  settings.web.certificate = dir / "live/cert.pem";
  settings.web.key = dir / "ssl/key.pem";
  const storage::Depot depot(dir / "depot");
  const auto places = server::used_places(settings, depot, "");
  for (const auto* folder : {"ssl", "live", "archive"}) {
    CAPTURE(folder);
    CHECK(holds(places.read, dir / folder));
    CHECK_FALSE(holds(places.written, dir / folder));
  }
}

TEST_CASE("a server with the built-in defaults reads nothing beside its depot") {
  test::TempDir dir;
  const storage::Depot depot(dir / "depot");
  const auto places = server::used_places({}, depot, "");
  CHECK(places.read.empty());
  CHECK(places.written == std::vector<fs::path>{fs::canonical(dir / "depot")});
}

TEST_CASE("a log that is not a file of ours takes no folder: only a file's folder is written") {
  test::TempDir dir;
  fs::create_directory(dir / "log");
  const storage::Depot depot(dir / "depot");
  conf::Settings settings;
  settings.log.destination.file = dir / "log/apdepot.log";  // that another target does not use
  for (const auto target : {conf::LogTarget::automatic, conf::LogTarget::stderr_stream,
                            conf::LogTarget::journal, conf::LogTarget::syslog}) {
    settings.log.destination.target = target;
    CHECK_FALSE(holds(server::used_places(settings, depot, "").written, dir / "log"));
  }
  settings.log.destination.target = conf::LogTarget::file;
  CHECK(holds(server::used_places(settings, depot, "").written, dir / "log"));
}

TEST_CASE("a log into a pipe or a device writes that alone, and not its folder") {
  test::TempDir dir;
  fs::create_directory(dir / "log");
  REQUIRE(::mkfifo((dir / "log/pipe").c_str(), 0600) == 0);
  const storage::Depot depot(dir / "depot");
  conf::Settings settings;
  settings.log.destination = {conf::LogTarget::file, dir / "log/pipe"};
  const auto pipe = server::used_places(settings, depot, "").written;
  CHECK(holds(pipe, dir / "log/pipe"));
  CHECK_FALSE(holds(pipe, dir / "log"));
  settings.log.destination.file = "/dev/null";
  const auto device = server::used_places(settings, depot, "").written;
  CHECK(holds(device, "/dev/null"));
  CHECK_FALSE(holds(device, "/dev"));
}

TEST_CASE("a log file that is a link is written beside the link, where it is rotated, and at its end") {
  test::TempDir dir;
  for (const auto* folder : {"log", "disk"}) fs::create_directory(dir / folder);
  fs::create_symlink(dir.write("disk/real.log", ""), dir / "log/apdepot.log");
  const storage::Depot depot(dir / "depot");
  conf::Settings settings;
  settings.log.destination = {conf::LogTarget::file, dir / "log/apdepot.log"};
  const auto written = server::used_places(settings, depot, "").written;
  CHECK(holds(written, dir / "log"));
  CHECK(holds(written, dir / "disk"));
}

TEST_CASE("folders of the depot count by themselves only where a link leads out of it") {
  test::TempDir dir;
  for (const auto* folder : {"depot", "depot/inner", "disk"}) fs::create_directory(dir / folder);
  fs::create_directory_symlink(dir / "depot/inner", dir / "depot/drop");
  fs::create_directory_symlink(dir / "disk", dir / "depot/retired");
  const storage::Depot depot(dir / "depot");
  const auto places = server::used_places({}, depot, "");
  CHECK(places.written == std::vector<fs::path>{fs::canonical(dir / "depot"), fs::canonical(dir / "disk")});
}

TEST_CASE("a depot that is reached by a link is known by its real place") {
  test::TempDir dir;
  fs::create_directory(dir / "real");
  fs::create_directory_symlink(dir / "real", dir / "depot");
  const storage::Depot depot(dir / "depot");
  const auto places = server::used_places({}, depot, "");
  CHECK(holds(places.written, dir / "real"));
  CHECK(server::is_readable(places, dir / "depot/state/users.yaml"));
  CHECK(server::is_readable(places, dir / "real/state/users.yaml"));
}

TEST_CASE("a file is readable by where it is, and not by how its name begins") {
  test::TempDir dir;
  fs::create_directory(dir / "conf");
  fs::create_symlink("/etc/hostname", dir / "conf/link");
  fs::create_symlink(dir.write("conf/users.yaml", ""), dir / "outside");
  fs::create_symlink(dir.write("secret", ""), dir / "conf/leads-out");
  const server::UsedPlaces places{{}, {fs::canonical(dir / "conf")}};
  struct Row {
    fs::path file;
    bool readable;
  };
  for (const auto& row : std::vector<Row>{{dir / "conf/users.yaml", true},
                                          {dir / "conf/sub/folder/users.yaml", true},
                                          {dir / "conf", true},
                                          {dir / "conf/../secret", false},
                                          {dir / "conf.old/users.yaml", false},
                                          {dir / "conf/leads-out", false},
                                          {dir / "conf/link", true},
                                          {dir / "outside", true},
                                          {"/etc/passwd", true},
                                          {"/etcetera/passwd", false},
                                          {fs::path("/etc/..") / (dir / "secret").relative_path(), false}}) {
    CAPTURE(row.file.string());
    CHECK(server::is_readable(places, row.file) == row.readable);
  }
}

TEST_CASE("a file that cannot be followed to its end is where its folders are, however its name begins") {
  const test::TempDir dir;
  fs::create_symlink("loop", dir / "loop");
  fs::create_directory(dir / "closed");
  fs::permissions(dir / "closed", fs::perms::none);  // root may go there all the same
  const server::UsedPlaces none, whole_dir{{}, {fs::canonical(dir.path())}};
  for (const auto& folder : {std::string("loop"), std::string("closed"), std::string(300, 'x')}) {
    CAPTURE(folder);
    const auto file = dir / folder / "users.yaml", round_about = fs::path("/etc/..") / file.relative_path();
    for (const auto& path : {file, round_about, dir / "closed/.." / folder / "users.yaml"}) {
      CHECK_FALSE(server::is_readable(none, path));
      CHECK(server::is_readable(whole_dir, path));
    }
    CHECK(server::is_readable(none, fs::path("/etc") / folder / "users.yaml"));
  }
  fs::permissions(dir / "closed", fs::perms::owner_all);
}
