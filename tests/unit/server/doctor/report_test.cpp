#include "server/doctor/report.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

namespace {

std::vector<Row> rows() {
  Result port, releases;
  port.fails("in.tftpd has UDP 69", "systemctl disable --now tftpd-hpa");
  releases.look("one \"differs\"", "fix it");
  releases.look("another");
  return {
      {&configuration_check, all_well("no mistakes")}, {&tftp_port_check, port}, {&releases_check, releases}};
}

}  // namespace

TEST_CASE("a report has a line a check, aligned, and the fixes below") {
  CHECK(report_text(rows(), false) ==
        "ok      config    no mistakes\n"
        "fails   port 69   in.tftpd has UDP 69\n"
        "                  fix: systemctl disable --now tftpd-hpa\n"
        "look    releases  one \"differs\"\n"
        "                  fix: fix it\n"
        "                  another\n"
        "3 checks, 1 failed, 1 to look at\n");
  CHECK(report_text({{&mtu_check, all_well("fine")}}, false) == "ok      MTU  fine\n1 check: all is well\n");
  CHECK(any_fails(rows()));
  CHECK_FALSE(any_fails({{&mtu_check, not_seen("hidden")}}));
}

TEST_CASE("colours are around the first word and nowhere else") {
  const auto text = report_text({{&mtu_check, all_well("fine")}}, true);
  CHECK(text.starts_with("\x1b[32mok      \x1b[0mMTU  fine\n"));
}

TEST_CASE("the same as JSON") {
  CHECK(report_json({{&tftp_port_check, rows()[2].result}}) ==
        "[{\"id\":\"port-69\",\"title\":\"port 69\",\"result\":\"look\",\"findings\":["
        "{\"result\":\"look\",\"found\":\"one \\\"differs\\\"\",\"fix\":\"fix it\"},"
        "{\"result\":\"look\",\"found\":\"another\",\"fix\":\"\"}]}]\n");
  CHECK(report_json({}) == "[]\n");
}
