#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <string>

namespace test {

// A certificate and its key in PEM, as an administrator may have them.
struct OwnCertificate {
  std::string chain, key;
};

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

inline std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// The first certificate of a chain; null where there is none.
inline std::unique_ptr<X509, FreeX509> parsed(const std::string& chain) {
  const Bio bio(BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size())));
  return std::unique_ptr<X509, FreeX509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// For the host `name`; it ends after `left`. With a passphrase the key is encrypted.
inline OwnCertificate own_certificate(const std::string& name, std::chrono::seconds left,
                                      const std::string& passphrase = "") {
  const std::unique_ptr<EVP_PKEY, FreeKey> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, FreeX509> made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -100 * 24 * 60 * 60);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), static_cast<long>(left.count()));
  X509_set_pubkey(made.get(), key.get());
  auto* const subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), subject);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, made.get(), made.get(), nullptr, nullptr, 0);
  auto* const extension =
      X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, ("DNS:" + name).c_str());
  X509_add_ext(made.get(), extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(made.get(), key.get(), EVP_sha256());
  const Bio chain(BIO_new(BIO_s_mem())), secret(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(chain.get(), made.get());
  PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), passphrase.empty() ? nullptr : EVP_aes_256_cbc(),
                                passphrase.empty() ? nullptr : passphrase.data(),
                                static_cast<int>(passphrase.size()), nullptr, nullptr);
  return {text_of(chain), text_of(secret)};
}

}  // namespace test
