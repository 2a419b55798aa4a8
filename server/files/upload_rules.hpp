#pragma once
#include <expected>
#include <string>
#include <vector>

#include "storage/lookup/lookup.hpp"
#include "storage/lookup/miss.hpp"

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

// What clients may write, over TFTP, SFTP and SCP alike, and what they are told where they may not.

// Where below an uploads folder a name leads, by an alias too.
struct UploadPlace {
  storage::Path path;  // below it
  storage::Rule rule = storage::Rule::exact;
};
// The error is the path that was meant, which is not below one.
std::expected<UploadPlace, storage::Path> upload_place(const storage::Path& asked,
                                                       const std::vector<storage::Alias>& aliases);
// As clients name what lies there.
storage::Path named(const storage::Path& below_uploads);
// For a device, whatever is there.
std::expected<UploadPlace, storage::Miss> tftp_upload_place(const conf::Settings& settings,
                                                            const std::string& name);

storage::Miss upload_refusal(std::string what, std::string hint, std::errc error);
// Why `path`, as the client names it, was not written.
storage::Miss explain_unwritten(const storage::Path& path, std::error_code error);

}  // namespace server
