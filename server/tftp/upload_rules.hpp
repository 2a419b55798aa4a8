#pragma once
#include <expected>
#include <string>

#include "conf/settings.hpp"
#include "storage/lookup/lookup.hpp"
#include "storage/lookup/miss.hpp"

namespace server {

// What a device may write over TFTP, and what it is told where it may not.

storage::Miss upload_refusal(std::string what, std::string hint, std::errc error);
// Where below images/uploads/ a name leads, by an alias too, or why it may not be written whatever is there.
struct UploadPlace {
  storage::Path path;  // below it
  storage::Rule rule = storage::Rule::exact;
};
std::expected<UploadPlace, storage::Miss> tftp_upload_place(const conf::Settings& settings,
                                                            const std::string& name);
// Why the system refused `place`, a path below images/uploads/.
storage::Miss explain_unwritten_upload(const storage::Path& place, std::error_code error);

}  // namespace server
