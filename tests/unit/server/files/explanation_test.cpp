#include "server/files/explanation.hpp"

#include <doctest/doctest.h>

#include <string>

#include "conf/load.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using event::Protocol;
using storage::Cause;
using storage::Rule;

namespace {

storage::Path path(std::string_view text) { return storage::Path::parse(text).value(); }

struct Site {
  test::TempDir directory;
  storage::Depot depot{directory.path()};
  conf::Settings settings = conf::load_defaults().settings;

  Site() {
    directory.write("images/EWC/17_9_4a/ap1g8", "image");
    directory.write("images/uploads/config", "sent by a device");
  }
  Explanation of(const std::string& name, Protocol protocol = Protocol::tftp) const {
    return explain_read(settings, depot, name, protocol);
  }
};

}  // namespace

TEST_CASE("a name is explained by what the server would serve for it, and by which rule") {
  Site site;
  site.settings.lookup.aliases = {{path("/tftpboot"), path("/EWC/17_9_4a")}};
  struct Row {
    const char* name;
    Rule rule;
  };
  for (const auto& [name, rule] :
       {Row{"/EWC/17_9_4a/ap1g8", Rule::exact}, Row{"EWC//17_9_4a/./ap1g8", Rule::slashes},
        Row{"/ewc/17_9_4a/AP1G8", Rule::letter_case}, Row{"/EWC/17.09.04a/ap1g8", Rule::version},
        Row{"ap1g8", Rule::only_release}, Row{"/tftpboot/ap1g8", Rule::alias}}) {
    CAPTURE(name);
    const auto answer = site.of(name);
    REQUIRE(answer);
    CHECK(answer->path == path("/EWC/17_9_4a/ap1g8"));
    CHECK(answer->rule == rule);
  }
}

TEST_CASE("a name that is not served is explained by its cause, with what is near") {
  const Site site;
  const auto elsewhere = site.of("/Wrong-Path/ap1g8");
  REQUIRE_FALSE(elsewhere);
  CHECK(elsewhere.error().what == "/Wrong-Path does not exist");
  CHECK(elsewhere.error().hint == "ap1g8 is in /EWC/17_9_4a");
  CHECK(site.of("").error().cause == Cause::empty_name);
  CHECK(site.of("/EWC/17_9_4a").error().cause == Cause::is_directory);
  CHECK(site.of("/EWC/17_9_4a/ap1g7").error().cause == Cause::family_missing);
}

TEST_CASE("each protocol is explained by its own rules") {
  Site site;
  for (const auto protocol : {Protocol::tftp, Protocol::http}) {
    CHECK(site.of("../EWC/17_9_4a/ap1g8", protocol).error().cause == Cause::escapes_root);
    CHECK(site.of("/uploads/config", protocol).error().cause == Cause::read_refused);
  }
  for (const auto protocol : {Protocol::sftp, Protocol::scp}) {
    CHECK(site.of("../EWC/17_9_4a/ap1g8", protocol));
    CHECK(site.of("/uploads/config", protocol));
  }
  site.settings.tftp.read_uploads = true;
  CHECK(site.of("/uploads/config", Protocol::tftp));
}

TEST_CASE("with exact names alone nothing else is served, and what was meant is still told") {
  Site site;
  site.settings.lookup.forgiving = false;
  CHECK(site.of("/EWC/17_9_4a/ap1g8"));
  const auto meant = site.of("ap1g8");
  REQUIRE_FALSE(meant);
  CHECK(meant.error().nearest == path("/EWC/17_9_4a/ap1g8"));
}

TEST_CASE("a catalogue that is kept explains what came and went since") {
  const Site site;
  storage::LiveCatalogue catalogue(site.depot);
  const auto of = [&](const std::string& name) {
    return explain_read(site.settings, catalogue, name, Protocol::tftp).has_value();
  };
  CHECK_FALSE(of("ap1g7"));
  site.directory.write("images/EWC/17_12_1/ap1g7", "image");
  CHECK(of("ap1g7"));
  std::filesystem::remove(site.directory / "images/EWC/17_9_4a/ap1g8");
  CHECK_FALSE(of("ap1g8"));
}
