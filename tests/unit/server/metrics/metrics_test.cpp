#include <doctest/doctest.h>

#include "protocols/tftp/packet.hpp"
#include "server/events/all.hpp"
#include "server/metrics/metrics_text.hpp"

using namespace server;
using namespace server::event;
using protocols::Cause;

namespace {

TransferEnded ended(Cause cause, double seconds, Protocol protocol = Protocol::tftp) {
  TransferEnded e{7, protocol, "192.0.2.7", {}, "/a", "/a", false, 100, 60, seconds, {cause}};
  if (protocol == Protocol::tftp) e.tftp = TftpDetails{512, 1, 3, 0};
  return e;
}

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("transfers are counted by protocol and result, with their bytes, resends and times") {
  Tally tally;
  tally.count(ended(Cause::complete, 0.5));
  tally.count(ended(Cause::unconfirmed, 4));
  tally.count(ended(Cause::silence, 4000));
  tally.count(ended(Cause::size_asked, 0));
  tally.count(ended(Cause::complete, 2, Protocol::sftp));
  CHECK(tally.transfers.at({"tftp", "whole"}) == 2);
  CHECK(tally.transfers.at({"tftp", "broke_off"}) == 1);
  CHECK(tally.transfers.at({"tftp", "partly"}) == 1);
  CHECK(tally.transfers.at({"sftp", "whole"}) == 1);
  CHECK(tally.bytes.at({"tftp", "sent"}) == 240);
  CHECK(tally.resent == 12);
  CHECK(tally.seconds.at("tftp").counts == std::array<std::uint64_t, 7>{2, 1, 0, 0, 0, 0, 1});
}

TEST_CASE("requests that are told in sum count as many as they are") {
  Tally tally;
  tally.count(TftpRequested{7, "192.0.2.7", "/a", false, {}});
  tally.count(TftpNoise{9, "192.0.2.7", Noise::refused, 40, std::chrono::seconds(10)});
  tally.count(TftpRefused{7, "192.0.2.7", tftp::ErrorCode::file_not_found});
  CHECK(tally.requests.at({"tftp", "asked"}) == 1);
  CHECK(tally.requests.at({"tftp", "refused"}) == 41);
}

TEST_CASE("requests over HTTP are counted by what became of them") {
  Tally tally;
  const Remapped remapped{"/a", storage::Rule::letter_case};
  tally.count(HttpRequested{7, "192.0.2.7", "GET", "/A", &remapped});
  tally.count(HttpAnswered{8, "192.0.2.7", 304, "Not Modified"});
  tally.count(HttpAnswered{9, "192.0.2.7", 404, "Not Found"});
  tally.count(HttpLimited{10, "192.0.2.7", "/a", Limit::denied, 403});
  tally.count(HttpLimited{11, "192.0.2.7", "", Limit::transfers});
  auto part = ended(Cause::partly_read, 1, Protocol::http);
  part.http = HttpDetails{206, 0};
  tally.count(part);
  CHECK(tally.requests.at({"http", "asked"}) == 1);
  CHECK(tally.requests.at({"http", "refused"}) == 1);
  CHECK(tally.requests.at({"http", "limited"}) == 2);
  CHECK(tally.http_requests ==
        Tally::HttpCounts{
            {{"images", 206}, 1}, {{"images", 304}, 1}, {{"images", 403}, 1}, {{"images", 404}, 1}});
  CHECK(has_line(metrics_text(tally, {}, false),
                 "apdepot_http_requests_total{door=\"images\",code=\"404\"} 1"));
  CHECK(tally.transfers.at({"http", "partly"}) == 1);
  CHECK(tally.remaps.size() == 1);
}

TEST_CASE("what a client chose is never a label") {
  Tally tally;
  for (int i = 0; i < 100; ++i) {
    const auto own = std::to_string(i);
    tally.count(Missed{
        7, Protocol::tftp, "192.0.2." + own, "/" + own, {storage::Cause::not_found, own, own, {}, {}}});
    tally.count(LoginFailed{7, "user" + own, "192.0.2." + own, 22, "method" + own});
  }
  CHECK(tally.misses.size() == 1);
  CHECK(tally.misses.at({"tftp", "NOT_FOUND"}) == 100);
  CHECK(tally.logins.size() == 1);
}

TEST_CASE("metrics are written in both formats") {
  Tally tally;
  tally.count(ended(Cause::complete, 7));
  Gauges gauges;
  gauges.version = "0.2.0";
  gauges.running = {{"tftp", 2}};
  gauges.releases = 4;
  gauges.turns.counts = {5, 0, 1};
  const auto open = metrics_text(tally, gauges, true), old = metrics_text(tally, gauges, false);
  CHECK(open.ends_with("\n# EOF\n"));
  CHECK(old.find("# EOF") == std::string::npos);
  CHECK(has_line(open, "# TYPE apdepot_transfers counter"));
  CHECK(has_line(old, "# TYPE apdepot_transfers_total counter"));
  for (const auto& text : {open, old}) {
    CHECK(has_line(text, "apdepot_build_info{version=\"0.2.0\"} 1"));
    CHECK(has_line(text, "apdepot_transfers_total{protocol=\"tftp\",result=\"whole\"} 1"));
    CHECK(has_line(text, "apdepot_transfers_running{protocol=\"tftp\"} 2"));
    CHECK(has_line(text, "apdepot_transfer_duration_seconds_bucket{protocol=\"tftp\",le=\"5\"} 0"));
    CHECK(has_line(text, "apdepot_transfer_duration_seconds_bucket{protocol=\"tftp\",le=\"15\"} 1"));
    CHECK(has_line(text, "apdepot_transfer_duration_seconds_count{protocol=\"tftp\"} 1"));
    CHECK(has_line(text, "apdepot_releases 4"));
    CHECK(has_line(text, "apdepot_loop_turns_total{up_to=\"+Inf\"} 6"));
  }
  gauges.releases.reset();
  CHECK(metrics_text(tally, gauges, true).find("apdepot_releases") == std::string::npos);
}
