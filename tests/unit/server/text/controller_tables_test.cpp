#include "server/text/controller_tables.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace server;

namespace {

std::vector<ListedDevice> devices_of(std::string_view text) { return read_controller_tables(text).devices; }

}  // namespace

TEST_CASE("show ap image tells both versions and how the predownload went") {
  const auto devices = devices_of(
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
  const auto devices = devices_of(
      "AP6C41.0E16.E79C\t17.9.4.27 / 17.09.04a.0.6\t17.12.1.5 / NA\tComplete\tap1g7\tMaster\t00:00:00 "
      "100%\n");
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].running == "17.9.4.27");
  CHECK(devices[0].backup == "17.12.1.5");
  CHECK(devices[0].predownload == "Complete");
  CHECK(devices[0].image == "ap1g7");
}

TEST_CASE("show ap summary tells model and address, wherever its version puts the location") {
  const auto devices = devices_of(
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
  const auto devices = devices_of(
      "a 2 9130AXI a4b2.3291.9b28 2c57.4119.a060 here UK 192.0.2.7 Registered\n"
      "a 17.9.4.27 17.12.1.5 None\n");
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].model == "9130AXI");
  CHECK(devices[0].running == "17.9.4.27");
}

TEST_CASE("what is no row of a table is passed over, and so is more than a controller has") {
  CHECK(devices_of("").empty());
  CHECK(devices_of("\n \n17.9.4.27\na 17.9.4.27\na b 17.9.4.27 17.9.4.27\nping 192.0.2.7 x y\n").empty());
  CHECK(devices_of(std::string(5000, 'a') + " 17.9.4.27 17.9.4.27\n").empty());
  std::string many;
  for (int i = 0; i < 20'010; ++i) many += fmt::format("ap{} 17.9.4.27 17.9.4.27 None\n", i);
  CHECK(devices_of(many).size() == 20'000);
}

TEST_CASE("show ap tag summary tells the site, and what nobody understands is given back") {
  const auto told = read_controller_tables(
      "9120-EWC#show ap tag summary\n"
      "Number of APs: 1\n"
      "AP Name   AP Mac           Site Tag Name  Policy Tag Name  RF Tag Name  Misconfigured  Tag Source\n"
      "-----------------------------------------------------------------------------------------------\n"
      "floor-1   2c57.4119.a060   dock           default-policy   default-rf   No             Static\n"
      "\n"
      "lorem ipsum dolor\n" +
      std::string(5000, 'x') + "\n");
  REQUIRE(told.devices.size() == 1);
  CHECK(told.devices[0].name == "floor-1");
  CHECK(told.devices[0].site == "dock");
  CHECK(told.unknown_lines == 2);
  REQUIRE(told.unknown.size() == 2);
  CHECK(told.unknown[0] == "lorem ipsum dolor");
  CHECK(told.unknown[1].size() == 1024);
}

TEST_CASE("a list names its columns in its first line") {
  const auto told = read_device_list(
      "\xef\xbb\xbfIP Address;Name;Site;Note;Model\r\n"
      "192.0.2.7;\"Dock; \"\"north\"\"\";dock;;C9120AXI\r\n"
      "2001:db8::7;;dock\r\n"
      ";;\r\n"
      "nonsense;name\r\n");
  REQUIRE(told.devices.size() == 2);
  CHECK(told.devices[0].name == "Dock; \"north\"");
  CHECK(told.devices[0].address == "192.0.2.7");
  CHECK(told.devices[0].model == "C9120AXI");
  CHECK(told.devices[1].name == "2001:db8::7");
  CHECK(told.devices[1].site == "dock");
  CHECK(told.unknown == std::vector<std::string>{"nonsense;name"});
  CHECK(read_device_list("192.0.2.7,ap\n192.0.2.8,ap\n").unknown_lines == 2);
  CHECK(read_device_list("name,kind\na,controller\n").devices.at(0).kind == "controller");
}
