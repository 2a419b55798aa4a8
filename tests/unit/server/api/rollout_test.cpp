#include "server/api/rollout.hpp"

#include <doctest/doctest.h>

#include "storage/history/record_book.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
namespace record = storage::record;
using enum RolloutStatus;

namespace {

constexpr std::int64_t imported = 1'000'000;
constexpr auto folder = "/EWC/17_9_4a";

std::string in_release(const std::string& name) { return std::string(folder) + "/" + name; }

storage::Release release() {
  storage::Release made;
  made.path = *storage::Path::parse(folder);
  made.version = storage::Version::parse("17.9.4a");
  made.spellings = {"17.9.4a", "17.09.04a", "17_9_4a", "17.9.4.27"};
  for (const auto* name : {"ap1g7", "ap1g8", "ap1g6a"}) made.images.push_back({name, 1000, {}});
  made.imported_at = "1970-01-01T00:16:40Z";
  return made;
}

record::Holding held(const std::string& file, std::int64_t at = imported + 5000) {
  return {"192.0.2.7", file, at, at, 1};
}

record::Transfer transfer(const std::string& outcome, std::uint64_t bytes,
                          std::int64_t ended = imported + 5000) {
  record::Transfer made;
  made.ended = ended, made.started = ended - 1000;
  made.client = "192.0.2.7", made.protocol = "tftp", made.file = in_release("ap1g8");
  made.size = 1000, made.bytes = bytes;
  made.outcome = outcome, made.cause = outcome == "whole" ? "complete" : "client_error";
  return made;
}

record::Miss miss(const std::string& asked, const std::string& text, std::int64_t at = imported + 6000) {
  record::Miss made;
  made.last_at = made.first_at = at;
  made.client = "192.0.2.7", made.protocol = "tftp", made.cause = "WRONG_DIRECTORY";
  made.asked = asked, made.text = text;
  return made;
}

record::Described described() {
  record::Described made;
  made.key = made.address = "192.0.2.7";
  made.name = "floor-1";
  made.model = "C9105AXI";
  made.listed_at = imported;
  return made;
}

Device seen() {
  Device made;
  made.address = "192.0.2.7";
  made.first_at = 1, made.last_at = imported + 5000;
  return made;
}

Device listed() {
  auto made = seen();
  made.said = described();
  return made;
}

RolloutRow row(const Device& device, const SinceImport& since = {},
               const std::vector<RunningRead>& running = {}) {
  return judge(release(), device, since, running);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("not for this release: no image in it fits the model, whatever the device does") {
  auto device = listed();
  device.said->model = "AIR-CAP1532I-E-K9";
  device.holdings = {held(in_release("ap1g8"))};
  const auto made = row(device);
  CHECK(made.status == not_for_this_release);
  CHECK(has(made.evidence, "ap1g3"));
  device.said->model = "no such model";
  CHECK(row(device).status == fetched);
}

TEST_CASE("downloading and stalled: it reads a file of the release now") {
  const RunningRead read{"192.0.2.7", in_release("ap1g8"), 380, 1000, false, "tftp"};
  auto made = row(listed(), {}, {read});
  CHECK(made.status == downloading);
  CHECK(made.percent == 38);
  CHECK(made.method == "tftp");
  auto still = read;
  still.stalled = true;
  CHECK(row(listed(), {}, {still}).status == stalled);
  auto other = read;
  other.client = "192.0.2.8";
  CHECK(row(listed(), {}, {other}).status == not_asked_yet);
  other = read;
  other.file = "/EWC/17_9_4ab/ap1g8";
  CHECK(row(listed(), {}, {other}).status == not_asked_yet);
}

TEST_CASE("asked in vain: the latest request is a miss whose name or fix belongs to the release") {
  SinceImport since;
  since.miss = miss("/Wrong-Path/ap1g8",
                    "/Wrong-Path does not exist; ap1g8 is in /EWC/17_9_4a: tftp-image-path /EWC/17_9_4a");
  const auto made = row(listed(), since);
  CHECK(made.status == asked_in_vain);
  CHECK(has(made.evidence, "WRONG_DIRECTORY: "));
  CHECK(has(made.evidence, "tftp-image-path /EWC/17_9_4a"));
  CHECK(made.last_at == imported + 6000);
  since.miss = miss("/EWC/17_9_4a/ap9g9", "it is not there");
  CHECK(row(listed(), since).status == asked_in_vain);
  since.miss = miss("/EWC/17_9_4ab/ap1g8", "/EWC/17_9_4ab does not exist");
  CHECK(row(listed(), since).status == not_asked_yet);
  since.miss = miss("/EWC/17_9_4a/ap1g8", "why");
  since.latest = imported + 7000;
  CHECK(row(listed(), since).status == not_asked_yet);
}

TEST_CASE("broke off: the latest transfer is not whole, and the same byte twice hints at the flash") {
  SinceImport since{imported + 5000, {transfer("broke_off", 220)}, {}};
  since.transfers.back().detail = "No space";
  auto made = row(listed(), since);
  CHECK(made.status == broke_off);
  CHECK(made.percent == 22);
  CHECK(made.evidence == "ap1g8 broke off once at 22 %: client error (No space)");
  since.transfers.push_back(transfer("broke_off", 220));
  made = row(listed(), since);
  CHECK(made.tries == 2);
  CHECK(has(made.evidence, "twice at 22 %"));
  CHECK(has(made.evidence, "flash"));
  since.transfers.push_back(transfer("broke_off", 400));
  CHECK(has(row(listed(), since).evidence, "loses packets"));
  since.transfers.push_back(transfer("whole", 1000));
  CHECK(row(listed(), since).status == not_asked_yet);  // and the holding says the rest
}

TEST_CASE("fetched: a whole transfer of the model's image, or of any where the model is unknown") {
  auto device = listed();
  device.holdings = {held(in_release("ap1g8"))};
  CHECK(row(device).status == fetched);
  CHECK(row(device).image == "ap1g8");
  device.said->model = "C9120AXI";
  CHECK(row(device).status != fetched);
  auto unknown = seen();
  unknown.holdings = {held(in_release("ap1g6a"))};
  CHECK(row(unknown).status == fetched);
  unknown.holdings = {held(in_release("readme.txt"))};
  CHECK(row(unknown).status == not_asked_yet);
  unknown.holdings = {held("/EWC/17_3_3/ap1g6a")};
  CHECK(row(unknown).status == not_asked_yet);
}

TEST_CASE("reported: the controller says that its primary or backup image is that version") {
  auto device = listed();
  device.said->running = "17.9.4.27";
  auto made = row(device);
  CHECK(made.status == reported);
  CHECK(made.method == "controller");
  CHECK(made.evidence == "the controller says: its primary image is 17.9.4.27");
  device.said->running = "17.6.5.22", device.said->backup = "17.9.4.27",
  device.said->predownload = "Initiated";
  CHECK(row(device).evidence == "the controller says: its backup image is 17.9.4.27, predownload Initiated");
  device.said->backup = "17.9.4.26";
  CHECK(row(device).status == not_asked_yet);
}

TEST_CASE("not asked yet and never seen: whether it asked for anything since the import, and is expected") {
  CHECK(row(listed()).status == not_asked_yet);
  auto before = listed();
  before.last_at = imported - 1;
  CHECK(row(before).status == never_seen);
  before.last_at.reset();
  CHECK(row(before).status == never_seen);
  CHECK(has(row(before).evidence, "since the import at 1970-01-01T00:16:40Z"));
  auto unlisted = seen();
  unlisted.last_at = imported - 1;
  CHECK(row(unlisted).status == not_asked_yet);
  unlisted.in_settings = true;
  CHECK(row(unlisted).status == never_seen);
}

TEST_CASE("a controller that relays is told as that, and an address that several share is counted as none") {
  auto controller = seen();
  controller.holdings = {held(in_release("ap1g8")), held(in_release("C9800-AP-iosxe-wlc.bin"))};
  auto made = row(controller);
  CHECK(made.status == RolloutStatus::controller);
  CHECK(has(made.evidence, "it has 2 images of the release"));
  CHECK(has(made.evidence, "show ap image"));
  auto shared = seen();
  shared.holdings = {held(in_release("ap1g8")), held(in_release("ap1g7"))};
  CHECK(row(shared).status == shared_address);
  auto relays = listed();
  relays.holdings = shared.holdings;
  CHECK(row(relays).status == RolloutStatus::controller);
  relays.said->running = "17.9.4.27";
  CHECK(row(relays).status == reported);
  relays.said->kind = "access point";
  CHECK(row(relays).status == fetched);
}

TEST_CASE("the sum counts who has it, and the rows begin with who needs a person") {
  auto has_it = listed(), never = listed(), relay = listed();
  has_it.holdings = {held(in_release("ap1g8"))};
  never.address = "192.0.2.9", never.last_at.reset();
  relay.said->kind = "controller", relay.said->site = "dock";
  const std::vector<RolloutRow> rows{row(has_it), row(relay), row(never)};
  const auto all = rollout_of(release(), rows, "");
  CHECK(all.have == 1);
  CHECK(all.total == 2);
  CHECK(all.release == folder);
  CHECK(all.counts.at(static_cast<std::size_t>(never_seen)) == 1);
  REQUIRE(all.rows.size() == 3);
  CHECK(all.rows[0].status == never_seen);
  CHECK(all.rows[2].status == RolloutStatus::controller);
  CHECK(rollout_of(release(), rows, "dock").rows.size() == 1);
  for (std::size_t i = 0; i < rollout_statuses; ++i) CHECK_FALSE(word(static_cast<RolloutStatus>(i)).empty());
}

TEST_CASE("who counts: who is expected, and who asked for an image of an access point") {
  CHECK(counts(listed(), {}));
  CHECK_FALSE(counts(seen(), {}));
  auto device = seen();
  device.holdings = {held("/EWC/17_3_3/ap1g8")};
  CHECK(counts(device, {}));
  device.holdings = {held(in_release("readme.txt"))};
  CHECK_FALSE(counts(device, {}));
  CHECK(counts(device, {{}, {transfer("broke_off", 1)}, {}}));
  CHECK(counts(device, {{}, {}, miss("/Wrong/ap1g8", "why")}));
  CHECK_FALSE(counts(device, {{}, {}, miss("/Wrong/x", "why")}));
}

TEST_CASE(
    "the history is read for who was here since the import, and who asks for the first time is among them") {
  test::TempDir directory;
  const auto file = directory / "history.db";
  storage::RecordBook book(file);
  auto whole = transfer("whole", 1000), old = transfer("whole", 1000, imported - 5000);
  old.client = "192.0.2.8", old.file = "/EWC/17_3_3/ap1g8";
  auto broken = transfer("broke_off", 10);
  broken.client = "192.0.2.9";
  book.write(std::vector<storage::Record>{old, whole, broken, miss("/EWC/17_9_4a/x", "why", imported + 1)});
  storage::HistoryQueries history(file, [] { return false; });
  const auto fleet = read_fleet(history, {}, {});
  const auto rows = read_rollout(history, release(), fleet,
                                 {{"192.0.2.10", in_release("ap1g7"), 1, 2, false, "tftp"},
                                  {"192.0.2.11", "/EWC/17_3_3/ap1g7", 1, 2, false, "tftp"}});
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].status == fetched);
  CHECK(rows[0].tries == 1);
  CHECK(rows[0].method == "tftp");
  CHECK(rows[1].status == not_asked_yet);
  CHECK(rows[2].status == broke_off);
  CHECK(rows[3].address == "192.0.2.10");
  CHECK(rows[3].status == downloading);
}

TEST_CASE("what a device said since it was seen last is added to what is known, and changes no status") {
  RolloutRow lacks, has_it, seen_since;
  lacks.address = "192.0.2.7", lacks.status = never_seen, lacks.evidence = "it is expected";
  has_it.address = "192.0.2.8", has_it.status = fetched;
  seen_since.address = "192.0.2.9", seen_since.status = asked_in_vain, seen_since.last_at = imported + 2;
  std::vector<RolloutRow> rows{lacks, has_it, seen_since};
  add_heard(rows, {{"192.0.2.7", {imported, "Timed out"}},
                   {"192.0.2.8", {imported, "Timed out"}},
                   {"192.0.2.9", {imported + 1, "Timed out"}}});
  CHECK(rows[0].evidence == "it is expected; its log says: Timed out");
  CHECK(rows[0].status == never_seen);
  CHECK(rows[1].evidence.empty());
  CHECK(rows[2].evidence.empty());
}
