#include "server/metrics/metrics_text.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace server;

namespace {

// One of everything that can be told.
Tally full_tally() {
  Tally tally;
  tally.requests[{"tftp", "asked"}] = 9;
  tally.http_requests[{"images", 200}] = 8;
  tally.transfers[{"tftp", "whole"}] = 7;
  tally.bytes[{"tftp", "sent"}] = 18'446'744'073'709'551'615U;
  tally.seconds["tftp"] = {{1, 2, 0, 0, 0, 0, 4}, 1234.5};
  tally.misses[{"tftp", "NOT_FOUND"}] = 6;
  tally.remaps[{"case", ""}] = 5;
  tally.logins[{"page", "failed"}] = 4;
  tally.dropped[{"penalty", ""}] = 3;
  tally.controller_messages[{"failed", ""}] = 2;
  tally.syslog_refused[{"allow", ""}] = 1;
  tally.imports[{"rejected", ""}] = 1;
  tally.warnings[{"ports", ""}] = 1;
  tally.resent = 11;
  return tally;
}

Gauges full_gauges() {
  Gauges gauges;
  gauges.version = "0.2.0";
  gauges.started_at = 1'795'847'068.25;
  gauges.running = {{"tftp", 2}};
  gauges.stalled = 1, gauges.sessions = 3;
  gauges.releases = 4, gauges.unverified = 0, gauges.free = 5, gauges.last_import = 6.5;
  gauges.devices = {{"access point", 37}};
  gauges.rollout = {{"fetched", 37}, {"never_seen", 1}};
  gauges.goal = "/EWC/17_9_4a";
  gauges.health = {{"ok", 20}};
  gauges.turns.counts = {5, 0, 1, 0, 0, 0, 0, 2};
  gauges.turns.longest = std::chrono::milliseconds(25);
  return gauges;
}

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// What is wrong with the text as a scraper reads it; empty for nothing. Each family is declared once, with a
// help, and its samples stand below it.
std::string fault_of(const std::string& text, bool open_metrics) {
  std::istringstream lines(text);
  std::set<std::string> families, samples;
  std::string family, line, type;
  while (std::getline(lines, line)) {
    if (line == "# EOF")
      return open_metrics && !std::getline(lines, line) ? "" : "an end that nobody expects";
    std::istringstream words(line);
    std::string first, second, name;
    words >> first;
    if (first == "#") {
      words >> second >> name;
      if (second == "HELP") {
        if (!families.insert(name).second) return name + " stands there twice";
        family = name;
      } else if (name != family) {
        return line + " is not of " + family;
      }
      if (second == "TYPE") words >> type;
      if (second == "UNIT" && !open_metrics) return line + ": the older format has none";
      continue;
    }
    const auto labelled = line.substr(0, line.rfind(' '));
    if (!samples.insert(labelled).second) return labelled + " stands there twice";
    const auto sample = labelled.substr(0, labelled.find('{'));
    if (!sample.starts_with(family)) return sample + " is not of " + family;
    const auto end = sample.substr(family.size());
    const std::set<std::string> ends = type == "histogram"
                                           ? std::set<std::string>{"_bucket", "_count", "_sum"}
                                       : type == "counter" && open_metrics ? std::set<std::string>{"_total"}
                                       : type == "info"                    ? std::set<std::string>{"_info"}
                                                                           : std::set<std::string>{""};
    if (!ends.contains(end)) return sample + " is not a sample of a " + type;
  }
  return open_metrics ? "it has no end" : "";
}

}  // namespace

TEST_CASE("a scraper of either format understands all that is told") {
  for (const bool open_metrics : {false, true}) {
    CAPTURE(open_metrics);
    CHECK(fault_of(metrics_text(full_tally(), full_gauges(), open_metrics), open_metrics) == "");
    CHECK(fault_of(metrics_text({}, {}, open_metrics), open_metrics) == "");
  }
}

TEST_CASE("what nobody has looked at yet is left out, and 0 is told") {
  const auto nothing = metrics_text({}, {}, false), all = metrics_text({}, full_gauges(), false);
  for (const auto* name : {"apdepot_releases", "apdepot_devices", "apdepot_rollout", "apdepot_health",
                           "apdepot_depot_free_bytes", "apdepot_import_last_success"}) {
    CAPTURE(name);
    CHECK_FALSE(has(nothing, name));
    CHECK(has(all, name));
  }
  CHECK(has_line(all, "apdepot_releases_unverified 0"));
  CHECK(has_line(nothing, "apdepot_transfers_stalled 0"));
  CHECK(has_line(nothing, "apdepot_tftp_resent_packets_total 0"));
}

TEST_CASE("each number is told with its labels") {
  const auto text = metrics_text(full_tally(), full_gauges(), true);
  for (const auto* line :
       {"apdepot_start_time_seconds 1795847068.250",
        "apdepot_requests_total{protocol=\"tftp\",result=\"asked\"} 9",
        "apdepot_http_requests_total{door=\"images\",code=\"200\"} 8",
        "apdepot_transfer_bytes_total{protocol=\"tftp\",direction=\"sent\"} 18446744073709551615",
        "apdepot_tftp_resent_packets_total 11",
        "apdepot_misses_total{protocol=\"tftp\",cause=\"NOT_FOUND\"} 6",
        "apdepot_remaps_total{rule=\"case\"} 5",
        "apdepot_logins_total{method=\"page\",verdict=\"failed\"} 4",
        "apdepot_ssh_sessions 3",
        "apdepot_ssh_dropped_total{limit=\"penalty\"} 3",
        "apdepot_controller_messages_total{kind=\"failed\"} 2",
        "apdepot_syslog_refused_total{limit=\"allow\"} 1",
        "apdepot_imports_total{result=\"rejected\"} 1",
        "apdepot_warnings_total{kind=\"ports\"} 1",
        "apdepot_devices{kind=\"access point\"} 37",
        "apdepot_rollout_devices{release=\"/EWC/17_9_4a\",status=\"never_seen\"} 1",
        "apdepot_health{state=\"ok\"} 20",
        "apdepot_depot_free_bytes 5",
        "apdepot_import_last_success_timestamp_seconds 6.500",
        "apdepot_loop_turn_longest_seconds 0.025"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("a histogram's buckets grow up to the count of all") {
  const auto text = metrics_text(full_tally(), full_gauges(), false);
  const std::string name = "apdepot_transfer_duration_seconds";
  CHECK(has(text, name + "_bucket{protocol=\"tftp\",le=\"1\"} 1\n" +         //
                      name + "_bucket{protocol=\"tftp\",le=\"5\"} 3\n" +     //
                      name + "_bucket{protocol=\"tftp\",le=\"15\"} 3\n" +    //
                      name + "_bucket{protocol=\"tftp\",le=\"60\"} 3\n" +    //
                      name + "_bucket{protocol=\"tftp\",le=\"300\"} 3\n" +   //
                      name + "_bucket{protocol=\"tftp\",le=\"1800\"} 3\n" +  //
                      name + "_bucket{protocol=\"tftp\",le=\"+Inf\"} 7\n" +  //
                      name + "_count{protocol=\"tftp\"} 7\n" + name + "_sum{protocol=\"tftp\"} 1234.5\n"));
  CHECK(
      has(text, "apdepot_loop_turns_total{up_to=\"0.02\"} 6\napdepot_loop_turns_total{up_to=\"+Inf\"} 8\n"));
  CHECK(has_line(text, "apdepot_loop_turns_total{up_to=\"0.00025\"} 5"));
}

TEST_CASE("a release whose name has quotes and backslashes cannot end its label") {
  auto gauges = full_gauges();
  gauges.goal = "/EWC/a\"} 1\\x0a";
  CHECK(has_line(metrics_text({}, gauges, true),
                 R"(apdepot_rollout_devices{release="/EWC/a\"} 1\\x0a",status="fetched"} 37)"));
}
