#include "server/log/fields.hpp"

#include <doctest/doctest.h>

#include <map>

#include "protocols/sftp/event.hpp"
#include "server/events/all.hpp"
#include "server/events/event.hpp"
#include "storage/images/device_log.hpp"

using namespace server;
using namespace server::event;

namespace {

std::map<std::string, std::string> fields(const Event& event) {
  std::map<std::string, std::string> found;
  for (const auto& [name, value] : log_fields(event)) found.emplace(name, value);
  return found;
}
using Fields = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("a transfer that ended has all of them") {
  TransferEnded ended{7, Protocol::tftp, "192.0.2.7", "", "ap1g8", "/EWC/17_9_4a/ap1g8", false, 100, 100, 1,
                      {}};
  ended.how.cause = protocols::Cause::silence;
  CHECK(fields(ended) == Fields{{"REQUEST", "7"},
                                {"CLIENT", "192.0.2.7"},
                                {"PROTOCOL", "tftp"},
                                {"FILE", "/EWC/17_9_4a/ap1g8"},
                                {"BYTES", "100"},
                                {"CAUSE", "silence"},
                                {"RELEASE", "/EWC/17_9_4a"}});
  ended.write = true;
  CHECK(fields(ended).count("RELEASE") == 0);
}

TEST_CASE("other events have those that they know") {
  CHECK(fields(TftpRequested{7, "192.0.2.7", "x\n", false, {}}) ==
        Fields{{"REQUEST", "7"}, {"CLIENT", "192.0.2.7"}, {"FILE", "x\\n"}});
  CHECK(fields(Missed{7, Protocol::scp, "192.0.2.7", "/ap1g8", {}})["PROTOCOL"] == "scp");
  CHECK(fields(Missed{7, Protocol::scp, "192.0.2.7", "/ap1g8", {}}).count("CAUSE") == 1);
  storage::LogMessage said{storage::LogMessage::Kind::failed};
  said.url = "tftp://a/b";
  CHECK(fields(ControllerSaid{"192.0.2.7", "ewc", said, "f", "x", true}) ==
        Fields{{"CLIENT", "192.0.2.7"}, {"FILE", "tftp://a/b"}, {"CAUSE", "failed"}});
  CHECK(fields(SyslogRefused{"192.0.2.7", SyslogLimit::not_allowed, true, 0}) ==
        Fields{{"CLIENT", "192.0.2.7"}, {"CAUSE", "allow"}});
  CHECK(fields(Retired{"/EWC/17_3_3", "retired/EWC/17_3_3", 3}) == Fields{{"RELEASE", "/EWC/17_3_3"}});
  CHECK(fields(ImportRejected{"x.zip", "damaged", "rejected/x.zip"}) == Fields{{"FILE", "x.zip"}});
  Published published{"x.zip", {}, 1};
  published.imported.path = "/EWC/17_9_4a";
  published.imported.bytes = 5;
  CHECK(fields(published) == Fields{{"FILE", "x.zip"}, {"BYTES", "5"}, {"RELEASE", "/EWC/17_9_4a"}});
  CHECK(fields(Stopped{}).empty());
  CHECK(fields(SftpHappened{3, sftp::event::Opendir{"/a"}}) == Fields{{"REQUEST", "3"}, {"FILE", "/a"}});
}

TEST_CASE("a client's text is bounded") {
  CHECK(fields(TftpRequested{7, "192.0.2.7", std::string(5000, 'x'), false, {}})["FILE"].size() < 250);
}
