#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <stdexcept>

#include "conf/load.hpp"
#include "server/api/release_named.hpp"
#include "server/api/rollout.hpp"
#include "server/commands/command.hpp"
#include "server/commands/text_input.hpp"
#include "server/text/controller_tables.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/root.hpp"
#include "storage/releases/releases.hpp"

namespace server {
namespace {

constexpr Flag flags[]{
    {"--release", "RELEASE", "that they should have; without it the promoted one, or the only one"},
    {"--json", "", "print JSON"}};

using storage::Release;

// How far an access point is; who needs a person comes first.
enum class State : std::uint8_t { failed, has_no_image, has_not, downloading, downloaded, running };

constexpr std::array<std::string_view, 6> state_words{"failed",      "no_image",   "has_not",
                                                      "downloading", "downloaded", "running"};
std::string_view word(State state) { return state_words.at(static_cast<std::size_t>(state)); }

struct Row {
  ListedDevice device;
  State state = State::has_not;
  std::string why;
};

Row row_of(const Release& release, ListedDevice device) {
  Row row{std::move(device), State::has_not, {}};
  const auto &running = row.device.running, &backup = row.device.backup,
             &predownload = row.device.predownload;
  const auto says = [&](std::string_view what) {
    return predownload && predownload->find(what) != predownload->npos;
  };
  const auto set = [&row](State state, std::string why) {
    row.state = state;
    row.why = std::move(why);
  };
  const auto families = families_fitting(row.device.image, row.device.model);
  if (running && has_version(release, *running)) {
    set(State::running, "runs it");
  } else if (backup && has_version(release, *backup)) {
    set(State::downloaded, "has it as its backup image: a reload or `install activate` swaps them");
  } else if (!families.empty() &&
             std::ranges::none_of(families, [&](auto& each) { return has_image(release, each); })) {
    set(State::has_no_image, fmt::format("the release has no {} for it: import the bundle of its model",
                                         fmt::join(families, " or ")));
  } else if (says("ail")) {
    set(State::failed,
        fmt::format("its predownload failed ({}): `apdepot diagnose` reads the controller's log",
                    escaped(*predownload)));
  } else if (says("nitiated") || says("ownloading")) {
    set(State::downloading, "downloads");
  } else if (!running) {
    set(State::has_not, "nobody told what it runs: add `show ap image`");
  } else {
    set(State::has_not, fmt::format("runs {}: `ap image predownload` on the controller", escaped(*running)));
  }
  return row;
}

std::string to_json(const Row& row) {
  JsonObject object;
  const auto& device = row.device;
  const auto add = [&object](std::string_view key, const std::optional<std::string>& text) {
    object.add_raw(key, text ? json_string(escaped(*text)) : "null");
  };
  object.add("name", device.name);
  add("model", device.model), add("address", device.address), add("image", device.image);
  add("running", device.running), add("backup", device.backup), add("predownload", device.predownload);
  object.add_safe("state", word(row.state));
  object.add("why", row.why, whole);
  return object.text();
}

std::string shown(const std::optional<std::string>& text) { return text ? escaped(*text) : "-"; }

void print(const std::vector<Row>& rows) {
  std::size_t name = 2, model = 5, running = 4;
  for (const auto& [device, state, why] : rows) {
    name = std::max(name, shown(device.name).size());
    model = std::max(model, shown(device.model).size());
    running = std::max(running, shown(device.running).size());
  }
  fmt::print("{:{}}  {:{}}  {:{}}  {:11}  WHY\n", "AP", name, "MODEL", model, "RUNS", running, "STATE");
  for (const auto& [device, state, why] : rows)
    fmt::print("{:{}}  {:{}}  {:{}}  {:11}  {}\n", shown(device.name), name, shown(device.model), model,
               shown(device.running), running, word(state), why);
}

// The one that the administrator means by naming none.
Release usual_release(const std::vector<Release>& releases) {
  std::vector<Release> promoted;
  std::ranges::copy_if(releases, std::back_inserter(promoted), &Release::current);
  const auto& fit = promoted.empty() ? releases : promoted;
  if (fit.size() == 1) return fit.front();
  if (releases.empty()) throw std::runtime_error("no release is here yet: import a bundle first");
  throw UsageError("--release is missing: several are here, `apdepot releases` lists them");
}

Release release_for(const storage::Depot& depot, const std::optional<std::string>& wanted) {
  const auto root = storage::Root::open(depot.images());
  if (!root)
    throw std::runtime_error("no release is here yet: " + storage::utf8_of(depot.images()) + ": " +
                             root.error().message());
  std::vector<std::string> warnings;
  const auto releases = storage::releases_in(depot, storage::Catalogue(*root), warnings);
  for (const auto& warning : warnings) fmt::print(stderr, "warning: {}\n", escaped(warning, whole));
  if (!wanted) return usual_release(releases);
  const auto path = find_release(*root, *wanted);
  return *std::ranges::find(releases, path, &Release::path);
}

int run(Arguments& arguments) {
  const auto name = arguments.take_word("FILE");
  arguments.expect_no_more();
  const auto text = read_text(name);
  const auto settings = load_settings(arguments).settings;
  act_as_service(settings);
  const auto release = release_for(storage::Depot::existing(settings.depot), arguments.value("--release"));

  std::vector<Row> rows;
  for (auto& device : read_controller_tables(text).devices)
    rows.push_back(row_of(release, std::move(device)));
  std::ranges::stable_sort(rows, {}, &Row::state);
  const auto have = static_cast<std::size_t>(
      std::ranges::count_if(rows, [](const Row& row) { return row.state >= State::downloaded; }));
  if (arguments.has("--json")) {
    JsonObject object;
    std::vector<std::string> values;
    for (const auto& row : rows) values.push_back(to_json(row));
    object.add("release", release.path.text(), whole);
    object.add("have", have), object.add("of", rows.size());
    object.add_raw("access_points", json_list(values));
    fmt::print("{}\n", object.text());
  } else if (!rows.empty()) {
    fmt::print("{} of {} access points have {}\n", have, rows.size(), escaped(release.path.text(), whole));
    print(rows);
  }
  if (rows.empty())
    fmt::print(
        stderr,
        "no line of {} is of an access point: paste what `show ap image` and `show ap summary` print on the "
        "controller\n",
        name == "-" ? "the input" : escaped(name, whole));
  return have == rows.size() && !rows.empty() ? 0 : 1;
}

}  // namespace

const Command inventory_command{
    "inventory", "FILE|-", "says which access points of a controller's tables have a release", flags, run};

}  // namespace server
