#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace storage {

// Where a symbolic link or a junction of Windows leads. The text is UTF-8 with '/' between the names.
struct ReparseTarget {
  enum class From : std::uint8_t {
    folder,  // "../17_9_4a": from the folder in which the link lies
    root,    // "EWC/17_9_4a": from the root of the volume
    system   // "C:/depot/images", "//server/share/images": from where the system names its disks
  };
  From from = From::folder;
  std::string path;
};

// Of the bytes that the file system keeps for a link (REPARSE_DATA_BUFFER, MS-FSCC 2.1.2.4 and 2.1.2.5),
// which who made the link wrote. Nothing for other reparse points, for what is not well-formed, and for a
// name that is not Unicode. Pure; any thread.
std::optional<ReparseTarget> reparse_target(std::span<const std::byte> buffer);

// What follows the folder in a path that lies in it, both as From::system has them, whatever the case of the
// letters A to Z: "EWC/17_9_4a" for "c:/Depot/EWC/17_9_4a" in "C:/depot". Nothing where it lies elsewhere.
std::optional<std::string> below_folder(std::string_view folder, std::string_view path);

}  // namespace storage
