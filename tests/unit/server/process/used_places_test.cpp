#include "server/process/used_places.hpp"

#include <doctest/doctest.h>

#include <algorithm>

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
