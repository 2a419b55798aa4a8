#include "server/files/finder.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <future>
#include <string>
#include <vector>

#include "conf/load.hpp"
#include "server/events/protocol.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using storage::Cause;
using storage::Rule;

namespace {

conf::Settings settings_with(const std::filesystem::path& depot) {
  auto settings = conf::load_defaults().settings;
  settings.depot = depot;
  return settings;
}

constexpr auto elsewhere = "Wrong-Path/ap1g8";  // where it is not
const auto one_device = net::ip::make_address("192.0.2.1"),
           another_device = net::ip::make_address("192.0.2.2");

// What one search came to: nothing as long as it is not over.
struct Searched {
  bool over = false;
  std::optional<Finder::Answer> answer;

  bool is_found() const { return over && answer && *answer; }
  bool is_silent() const { return over && !answer; }
  bool is_miss() const { return over && answer && !*answer; }
};

// The loop and its lanes, on which nothing happens but when the test lets the loop run.
struct House {
  test::TempDir directory;
  conf::Settings settings = settings_with(directory.path());
  Library library{settings.depot, settings.uploads};
  net::io_context loop;
  Lanes lanes{loop};
  Finder finder{lanes, library};
  std::promise<void> release_explaining;

  House() { directory.write("images/EWC/17_9_4a/ap1g8", "image"); }

  // Without it the loop stops as soon as it has nothing to do, and stays so.
  net::executor_work_guard<net::io_context::executor_type> going_on() {
    loop.restart();
    return net::make_work_guard(loop);
  }
  void begin(Searched& searched, const std::string& name, const net::ip::address& client = one_device,
             bool wanted = true) {
    net::co_spawn(
        loop,
        finder.find(asked_over(event::Protocol::tftp, settings, name), client, [wanted] { return wanted; }),
        [&searched](const std::exception_ptr& error, std::optional<Finder::Answer> answer) {
          CHECK(!error);
          searched.over = true;
          searched.answer = std::move(answer);
        });
  }
  void run_until_over(const Searched& searched) {
    const auto guard = going_on();
    while (!searched.over) loop.run_one();
  }
  Searched find(const std::string& name, bool wanted = true) {
    Searched searched;
    begin(searched, name, one_device, wanted);
    run_until_over(searched);
    return searched;
  }
  // No explanation goes on until release_explaining is set.
  void hold_explaining() {
    lanes.explaining.post([held = release_explaining.get_future().share()] { held.wait(); });
  }
  // All that does not wait for an explanation has been done.
  void work_off_names() {
    const auto guard = going_on();
    while (loop.poll() > 0 || lanes.disk.busy() > 0) {
      if (lanes.disk.busy() > 0) loop.run_one();
    }
  }
};

// Meanwhile nothing can be opened.
struct NoDescriptors {
  rlimit before{};
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
};

}  // namespace

TEST_CASE("a file is found by its name, then by what the name plainly means") {
  House house;
  const auto exact = house.find("EWC/17_9_4a/ap1g8");
  REQUIRE(exact.is_found());
  CHECK((*exact.answer)->rule == Rule::exact);
  const auto meant = house.find("ap1g8");
  REQUIRE(meant.is_found());
  CHECK((*meant.answer)->path.text() == "/EWC/17_9_4a/ap1g8");
  CHECK((*meant.answer)->rule == Rule::only_release);
}

TEST_CASE("a file that is not there has its cause") {
  House house;
  const auto missing = house.find(elsewhere);
  REQUIRE(missing.is_miss());
  CHECK(missing.answer->error().hint == "ap1g8 is in /EWC/17_9_4a");
}

TEST_CASE("neither a file that is there nor a name that cannot be one waits for explanations") {
  House house;
  house.hold_explaining();
  CHECK(house.find("EWC/17_9_4a/ap1g8").is_found());
  const auto above = house.find("../secret");
  REQUIRE(above.is_miss());
  CHECK(above.answer->error().cause == Cause::escapes_root);
  const auto upload = house.find("uploads/config");
  REQUIRE(upload.is_miss());
  CHECK(upload.answer->error().cause == Cause::read_refused);
  const auto deep = house.find("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17");
  REQUIRE(deep.is_miss());
  CHECK(deep.answer->error().hint.empty());
  Searched missing;
  house.begin(missing, "no-such-file");
  house.work_off_names();
  CHECK_FALSE(missing.over);
  house.release_explaining.set_value();
  house.run_until_over(missing);
  CHECK(missing.is_miss());
}

TEST_CASE("of what waits for explanations an address has its share, and beyond it hears nothing") {
  House house;
  house.hold_explaining();
  std::vector<Searched> waiting(Finder::most_meanings_each);
  for (auto& each : waiting) house.begin(each, elsewhere);
  house.work_off_names();
  CHECK(house.find(elsewhere).is_silent());
  Searched other;
  house.begin(other, elsewhere, another_device);
  house.work_off_names();
  CHECK_FALSE(other.over);
  house.release_explaining.set_value();
  house.run_until_over(other);
  std::size_t explained = 0;
  for (const auto& each : waiting) {
    house.run_until_over(each);
    REQUIRE(each.is_miss());
    explained += each.answer->error().hint.empty() ? 0 : 1;
  }
  CHECK(explained == most_explanations_each);  // the others are told that it is missing, without a hint
  CHECK(house.find(elsewhere).is_miss());
}

TEST_CASE("what is not wanted any more is not looked for any further") {
  House house;
  CHECK(house.find("EWC/17_9_4a/ap1g8", false).is_found());  // whoever asked closes it
  house.hold_explaining();
  CHECK(house.find("no-such-file", false).is_silent());
  house.release_explaining.set_value();
}

TEST_CASE("nobody is told that a file is missing which nobody could open") {
  House house;
  Searched searched;
  {
    const NoDescriptors now;
    searched = house.find("EWC/17_9_4a/ap1g8");
  }
  CHECK(searched.is_silent());
  CHECK(house.find("EWC/17_9_4a/ap1g8").is_found());
}

TEST_CASE("a protocol says how its names are read") {
  auto settings = conf::load_defaults().settings;
  const auto tftp = asked_over(event::Protocol::tftp, settings, "a");
  CHECK(tftp.above == storage::AboveRoot::refused);
  CHECK_FALSE(tftp.settings.uploads);
  settings.tftp.read_uploads = true;
  CHECK(asked_over(event::Protocol::tftp, settings, "a").settings.uploads);
  settings.tftp.read_uploads = false;
  const auto sftp = asked_over(event::Protocol::sftp, settings, "a");
  CHECK(sftp.above == storage::AboveRoot::stays);
  CHECK(sftp.settings.uploads);
}
