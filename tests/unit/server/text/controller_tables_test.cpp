#include "server/text/controller_tables.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace server;

TEST_CASE("show ap image tells both versions and how the predownload went") {
  const auto devices = read_controller_tables(
      "9120-EWC#show ap image\n"
      "Total number of APs  : 3\n"
      "        Completed predownloading   : 1\n"
      "AP Name              Primary Image    Backup Image   Predownload Status   Predownload Version  Next "
      "Retry Time\n"
      "------------------------------------------------------------------------------------------------------"
      "------\n"
      "AP002a.106d.2e10     17.13.0.44       0.0.0.0        None                 0.0.0.0    N/A       0     "
      "N/A\r\n"
      "9105-emorenoa\t\t17.9.4.27\t17.12.1.5\t\tComplete\n"
      "AP-POD-2-2           17.9.4.27        17.12.1.5      Predownloading       17.12.1.5  00:01:02  2     "
      "CAPWAP\n");
  REQUIRE(devices.size() == 3);
  CHECK(devices[0].name == "AP002a.106d.2e10");
  CHECK(devices[0].running == "17.13.0.44");
  CHECK(devices[0].backup == "0.0.0.0");
  CHECK(devices[0].predownload == "None");
  CHECK_FALSE(devices[0].model);
  CHECK(devices[1].backup == "17.12.1.5");
  CHECK(devices[1].predownload == "Complete");
  CHECK(devices[2].predownload == "Predownloading");
}

TEST_CASE("the EWC's page names the controller's versions too, and the image") {
  const auto devices = read_controller_tables(
      "AP6C41.0E16.E79C\t17.9.4.27 / 17.09.04a.0.6\t17.12.1.5 / NA\tComplete\tap1g7\tMaster\t00:00:00 "
      "100%\n");
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].running == "17.9.4.27");
  CHECK(devices[0].backup == "17.12.1.5");
  CHECK(devices[0].predownload == "Complete");
  CHECK(devices[0].image == "ap1g7");
}

TEST_CASE("show ap summary tells model and address, wherever its version puts the location") {
  const auto devices = read_controller_tables(
      "AP Name   Slots  AP Model  Ethernet MAC    Radio MAC       Location  Country  IP Address  State\n"
      "a121-cap22  2  9130AXI  a4b2.3291.9b28  2c57.4119.a060  Fab A  UK  10.6.33.106.  Registered\n"
      "AP002A.1087.CA0A 2 AIR-AP2802E-D-K9 002a.1087.ca0a 00a2.eefd.9f20 IN -D "
      "2001:9:3:13:c822:82c8:32da:484d "
      "Registered   default location\n");
  REQUIRE(devices.size() == 2);
  CHECK(devices[0].model == "9130AXI");
  CHECK(devices[0].address == "10.6.33.106");
  CHECK(devices[1].model == "AIR-AP2802E-D-K9");
  CHECK(devices[1].address == "2001:9:3:13:c822:82c8:32da:484d");
}

TEST_CASE("an access point of both tables is one") {
  const auto devices = read_controller_tables(
      "a 2 9130AXI a4b2.3291.9b28 2c57.4119.a060 here UK 192.0.2.7 Registered\n"
      "a 17.9.4.27 17.12.1.5 None\n");
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].model == "9130AXI");
  CHECK(devices[0].running == "17.9.4.27");
}

TEST_CASE("what is no row of a table is passed over, and so is more than a controller has") {
  CHECK(read_controller_tables("").empty());
  CHECK(read_controller_tables("\n \n17.9.4.27\na 17.9.4.27\na b 17.9.4.27 17.9.4.27\nping 192.0.2.7 x y\n")
            .empty());
  CHECK(read_controller_tables(std::string(5000, 'a') + " 17.9.4.27 17.9.4.27\n").empty());
  std::string many;
  for (int i = 0; i < 20'010; ++i) many += fmt::format("ap{} 17.9.4.27 17.9.4.27 None\n", i);
  CHECK(read_controller_tables(many).size() == 20'000);
}
