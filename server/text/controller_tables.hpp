#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace server {

// An access point, as its controller's tables have it. All texts are the controller's: hostile.
struct ListedDevice {
  std::string name;
  std::optional<std::string> model, address, image;  // "9130AXI", "10.6.33.106", "ap1g6a"
  std::optional<std::string> running, backup;        // the versions of its two images: "17.9.4.27"
  std::optional<std::string> predownload;            // "Complete", "Failed", "None"
};

// What somebody pasted of `show ap summary` and `show ap image` (IOS XE of EWC and 9800, of any version), or
// of the EWC's page, one table after the other, with anything between them. An access point that stands in
// several tables is one. In the order in which they were met, and at most 20,000 (a 9800-80 has 6,000). Pure;
// any thread.
std::vector<ListedDevice> read_controller_tables(std::string_view text);

}  // namespace server
