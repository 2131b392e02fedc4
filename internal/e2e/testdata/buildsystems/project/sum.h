#ifdef __cplusplus
extern "C" {
#endif
int sum(int a, int b);
int twice(int n);
#ifdef __cplusplus
}
#endif
