#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "protocols/files/file_operation.hpp"
#include "protocols/sftp/wire.hpp"

// SSH_FXP_ATTRS and what stands beside it (draft-ietf-secsh-filexfer-02 sections 5 and 7).
namespace sftp {

// What a client wants set.
struct WantedAttributes {
  std::optional<std::uint64_t> size;
  std::optional<std::uint32_t> mode;
  std::optional<files::Times> times;
  struct Owner {
    std::uint32_t uid, gid;
  };
  std::optional<Owner> owner;
};

WantedAttributes read_attributes(Reader& reader);
void put_attributes(Output& output, const storage::Attributes& attributes);

// As `ls -l` prints it, which is what clients show and some parse. `now`: seconds since 1970.
std::string long_name(const storage::Entry& entry, std::int64_t now);

}  // namespace sftp
